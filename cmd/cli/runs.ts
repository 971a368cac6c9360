import { type Command, Option } from 'commander';
import {
  RuleActionSchema,
  TradeSideSchema,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  ListStrategyRunsAnswerSchema,
  type StrategyRun,
  StrategyRunQueryService,
  StrategyRunStatus,
  StrategyRunStatusSchema,
} from '../../src/gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatCount, formatStart } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';

type Options = PageOptions & {
  readonly user?: string;
  readonly strategy?: string;
  readonly portfolio?: string;
  readonly status?: keyof typeof statuses;
};

const statuses = { running: StrategyRunStatus.RUNNING, stopped: StrategyRunStatus.STOPPED };

export function addRunsCommand(program: Command, bind: Bind): void {
  const command = program
    .command('runs')
    .description('strategies that run by themselves, those that started last first')
    .option('--user <id>', 'whose (default: whom the token names)')
    .option('--strategy <id>', 'of one strategy', uuidArgument)
    .option('--portfolio <id>', 'on one portfolio', uuidArgument)
    .addOption(new Option('--status <status>', 'how they stand').choices(Object.keys(statuses)))
    .action(bind(runRuns));
  addPageOptions(command);
}

async function runRuns({ session, output }: Cli, options: Options): Promise<void> {
  const userId = options.user ?? (await session.subject());
  const { strategy: strategyId = '', portfolio: portfolioId = '', status } = options;
  const answer = await session.client(StrategyRunQueryService).listStrategyRuns(
    {
      ...{ userId, strategyId, portfolioId, page: pageOf(options) },
      ...(status !== undefined && { status: statuses[status] }),
    },
    session.limited,
  );
  if (output.json) {
    output.document(fullJson(ListStrategyRunsAnswerSchema, answer));
    return;
  }
  if (answer.runs.length === 0) {
    output.note(`${userId} has no such runs`);
    return;
  }
  output.table(
    [
      ...[{ header: 'ID' }, { header: 'INSTRUMENT' }, { header: 'STATUS' }],
      { header: 'CANDLE' },
      { header: 'SIGNALS', fit: 'below' as const },
    ],
    answer.runs.map((run) => [
      ...[run.runId, run.instrumentId, enumLabel(StrategyRunStatusSchema, run.status)],
      run.lastCandle === undefined ? '-' : formatStart(Number(run.lastCandle)),
      signalsText(run),
    ]),
  );
  noteMore(output, answer.page);
}

/** "3, last buy"; with what waits for a settlement. */
function signalsText({ signals, lastSignalSide, waiting }: StrategyRun): string {
  const last = signals > 0n ? `, last ${enumLabel(TradeSideSchema, lastSignalSide)}` : '';
  const waits = waiting === 0 ? '' : `, ${enumLabel(RuleActionSchema, waiting)} waits`;
  return `${formatCount(signals)}${last}${waits}`.replaceAll('_', ' ');
}
