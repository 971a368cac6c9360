import type { Command } from 'commander';
import type { PageInfo } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  StrategyStatus,
  StrategyStatusSchema,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  ListStrategiesAnswerSchema,
  SearchStrategiesAnswerSchema,
  type Strategy,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Bind, Cli } from './cli.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { enumLabel, formatCount, formatTime } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';

type Options = PageOptions & {
  readonly user?: string;
  readonly search?: string;
  readonly status?: string;
};

const statuses: ReadonlyMap<string, StrategyStatus> = new Map([
  ['draft', StrategyStatus.DRAFT],
  ['active', StrategyStatus.ACTIVE],
  ['paused', StrategyStatus.PAUSED],
  ['deleted', StrategyStatus.DELETED],
]);
const statusNames = [...statuses.keys()].join(', ');

export function addStrategiesCommand(program: Command, bind: Bind): void {
  const command = program
    .command('strategies')
    .description('list or search the strategies of a user')
    .option('--user <id>', 'whose (default: whom the token names)')
    .option('--search <text>', 'words, their beginnings, or near misses; best first')
    .option('--status <status>', `${statusNames} (default: all but deleted)`)
    .action(bind(runStrategies));
  addPageOptions(command);
}

async function runStrategies({ session, output }: Cli, options: Options): Promise<void> {
  const { search } = options;
  const userId = options.user ?? (await session.subject());
  const queries = session.client(TradingQueryService);
  const filter = { statuses: statusesOf(options.status) };
  const shared = { userId, filter, page: pageOf(options) };
  if (search === undefined) {
    const answer = await queries.listStrategies(shared, session.limited);
    if (output.json) return output.document(fullJson(ListStrategiesAnswerSchema, answer));
    return print(output, answer.strategies, answer.page, `${userId} has no strategies`);
  }
  const answer = await queries.searchStrategies({ ...shared, text: search }, session.limited);
  if (output.json) return output.document(fullJson(SearchStrategiesAnswerSchema, answer));
  const strategies = answer.hits.flatMap(({ strategy }) => strategy ?? []);
  print(output, strategies, answer.page, `none of ${userId} matches "${search}"`);
  if (strategies.length > 0) output.note(`${formatCount(answer.total)} found`);
}

function statusesOf(name: string | undefined): StrategyStatus[] {
  if (name === undefined) return [];
  const status = statuses.get(name);
  if (status === undefined) throw new CliError(`--status is one of ${statusNames}`, exitCode.usage);
  return [status];
}

function print(
  output: Cli['output'],
  strategies: readonly Strategy[],
  page: PageInfo | undefined,
  none: string,
): undefined {
  if (strategies.length === 0) {
    output.note(none);
    return;
  }
  const columns = [
    { header: 'ID' },
    { header: 'NAME', fit: 'truncate' as const },
    { header: 'STATUS' },
    { header: 'RULES', align: 'right' as const },
    { header: 'CHANGED' },
  ];
  output.table(
    columns,
    strategies.map(({ strategyId, strategyName, status, rules, createdAt, updatedAt }) => [
      ...[strategyId, strategyName, enumLabel(StrategyStatusSchema, status)],
      ...[String(rules.length), formatTime(updatedAt ?? createdAt).slice(0, 10)],
    ]),
  );
  noteMore(output, page);
}
