import type { Command } from 'commander';
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
import { countArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { enumLabel, formatCount, formatTime } from './format.ts';
import { fullJson } from './output.ts';

type Options = {
  readonly user?: string;
  readonly search?: string;
  readonly status?: string;
  readonly limit: number;
  readonly cursor: string;
};

const statuses: { readonly [name: string]: StrategyStatus } = {
  draft: StrategyStatus.DRAFT,
  active: StrategyStatus.ACTIVE,
  paused: StrategyStatus.PAUSED,
  deleted: StrategyStatus.DELETED,
};
const statusNames = Object.keys(statuses).join(', ');

export function addStrategiesCommand(program: Command, bind: Bind): void {
  program
    .command('strategies')
    .description('list or search the strategies of a user')
    .option('--user <id>', 'whose (default: whom the token names)')
    .option('--search <text>', 'words, their beginnings, or near misses; best first')
    .option('--status <status>', `${statusNames} (default: all but deleted)`)
    .option('--limit <count>', 'how many at most, up to 500', countArgument, 50)
    .option('--cursor <cursor>', 'go on behind the page before', '')
    .action(bind(runStrategies));
}

async function runStrategies({ session, output }: Cli, options: Options): Promise<undefined> {
  const { search, limit, cursor } = options;
  const userId = options.user ?? (await session.subject());
  const queries = session.client(TradingQueryService);
  const filter = { statuses: statusesOf(options.status) };
  const shared = { userId, filter, page: { pageSize: Math.min(limit, 500), cursor } };
  if (search === undefined) {
    const answer = await queries.listStrategies(shared, session.limited);
    if (output.json)
      return output.document(fullJson(ListStrategiesAnswerSchema, answer)) as undefined;
    return print(output, answer.strategies, answer.page?.nextCursor, `${userId} has no strategies`);
  }
  const answer = await queries.searchStrategies({ ...shared, text: search }, session.limited);
  if (output.json)
    return output.document(fullJson(SearchStrategiesAnswerSchema, answer)) as undefined;
  const strategies = answer.hits.flatMap(({ strategy }) => strategy ?? []);
  print(output, strategies, answer.page?.nextCursor, `none of ${userId} matches "${search}"`);
  if (strategies.length > 0) output.note(`${formatCount(answer.total)} found`);
}

function statusesOf(name: string | undefined): StrategyStatus[] {
  if (name === undefined) return [];
  const status = statuses[name];
  if (status === undefined) throw new CliError(`--status is one of ${statusNames}`, exitCode.usage);
  return [status];
}

function print(
  output: Cli['output'],
  strategies: readonly Strategy[],
  nextCursor: string | undefined,
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
  noteMore(output, nextCursor);
}

/** What a list leaves out must not look as if it were not there. */
export function noteMore(output: Cli['output'], nextCursor: string | undefined): void {
  if (nextCursor === undefined || nextCursor === '') return;
  output.note(`There are more: --limit for a longer page, or --cursor '${nextCursor}'`);
}
