import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type LeaderboardEntry,
  LeaderboardMeasure,
  LeaderboardQueryService,
  LeaderboardWindow,
  type ListLeaderboardAnswer,
  ListLeaderboardAnswerSchema,
} from '../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import type { Measure } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { countArgument, dayArgument, nameArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatAmount, formatCount, formatPercent } from './format.ts';
import { formatRatio } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';

const windows: { readonly [days: string]: LeaderboardWindow } = {
  '7': LeaderboardWindow.LEADERBOARD_WINDOW_7_DAYS,
  '30': LeaderboardWindow.LEADERBOARD_WINDOW_30_DAYS,
  '90': LeaderboardWindow.LEADERBOARD_WINDOW_90_DAYS,
  '180': LeaderboardWindow.LEADERBOARD_WINDOW_180_DAYS,
};

const measures: { readonly [name: string]: LeaderboardMeasure } = {
  return: LeaderboardMeasure.RETURN,
  profit: LeaderboardMeasure.PROFIT,
  drawdown: LeaderboardMeasure.MAXIMUM_DRAWDOWN,
  sharpe: LeaderboardMeasure.SHARPE,
  'win-rate': LeaderboardMeasure.WIN_RATE,
};

const measureNames = Object.keys(measures);

type Bounds = { readonly [measure: string]: string };

type Options = PageOptions & {
  readonly days: string;
  readonly by: string;
  readonly worst?: true;
  readonly user?: string;
  readonly all?: true;
  readonly name?: string;
  readonly currency?: string;
  readonly min?: Bounds;
  readonly max?: Bounds;
  readonly minReturns?: number;
  readonly asOf?: string;
};

export function addLeaderboardCommand(program: Command, bind: Bind): void {
  const command = program
    .command('leaderboard')
    .description(
      'portfolios by how they did over the last days; your own, and their ranks among all',
    )
    .addOption(
      new Option('--days <count>', 'the window').choices(Object.keys(windows)).default('30'),
    )
    .addOption(new Option('--by <measure>', 'what counts').choices(measureNames).default('return'))
    .option('--worst', 'the worst first')
    .addOption(new Option('--all', 'those of all users; for analysts').conflicts('user'))
    .option('--user <id>', 'whose (default: whom the token names)')
    .option('--name <words>', 'of the portfolio, their beginnings, or near misses', nameArgument)
    .option('--currency <code>', 'only portfolios in it; profits need one')
    .option('--min <measure=value>', 'sharpe=1, drawdown=-0.2; may be repeated', bound)
    .option('--max <measure=value>', 'the same for the most', bound)
    .option('--min-returns <count>', 'so many daily returns at least', countArgument)
    .option('--as-of <day>', 'known of on this day or later', dayArgument)
    .action(bind(runLeaderboard));
  addPageOptions(command);
}

function bound(text: string, before: Bounds = {}): Bounds {
  const [name = '', value = ''] = text.split('=');
  if (!(name in measures) || !/^-?(0|[1-9]\d{0,19})(\.\d{1,18})?$/.test(value)) {
    const known = measureNames.join(', ');
    throw new InvalidArgumentError(`It is like sharpe=1.5, of one of ${known}.`);
  }
  return { ...before, [name]: value };
}

async function runLeaderboard({ session, output }: Cli, options: Options): Promise<void> {
  const { days, by, worst = false, all, user, name = '' } = options;
  const userId = all === true ? '' : (user ?? (await session.subject()));
  const answer = await session.client(LeaderboardQueryService).listLeaderboard(
    {
      ...{ userId, name, worstFirst: worst, filter: filterOf(options), page: pageOf(options) },
      window: windows[days] ?? LeaderboardWindow.LEADERBOARD_WINDOW_UNSPECIFIED,
      sort: measures[by] ?? LeaderboardMeasure.UNSPECIFIED,
    },
    session.limited,
  );
  if (output.json) return output.document(fullJson(ListLeaderboardAnswerSchema, answer));
  print(output, answer, by);
}

function filterOf({ min = {}, max = {}, currency = '', minReturns = 0, asOf = '' }: Options) {
  const range = (name: string) => {
    const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
    const [least, most] = [number(min[name]), number(max[name])];
    if (least === undefined && most === undefined) return undefined;
    return { ...(least !== undefined && { min: least }), ...(most !== undefined && { max: most }) };
  };
  const ranges = {
    timeWeightedReturn: range('return'),
    maximumDrawdown: range('drawdown'),
    sharpe: range('sharpe'),
    winRate: range('win-rate'),
  };
  const given = Object.entries(ranges).filter(([, one]) => one !== undefined);
  const profit = {
    ...(min.profit !== undefined && { min: min.profit }),
    ...(max.profit !== undefined && { max: max.profit }),
  };
  return {
    ...Object.fromEntries(given),
    ...(Object.keys(profit).length > 0 && { profit }),
    ...{ baseCurrency: currency, minDailyReturns: minReturns, asOfFrom: asOf },
  };
}

function print(output: Cli['output'], answer: ListLeaderboardAnswer, by: string): void {
  const { entries, ranked, days, nameMatches, page } = answer;
  if (entries.length === 0) {
    output.note(`no portfolio is listed; ${formatCount(ranked)} have a ${by} of ${days} days`);
    return;
  }
  output.heading(`${days} days by ${by}; ${formatCount(ranked)} portfolios are ranked`);
  output.table(
    [
      { header: 'RANK', align: 'right' },
      { header: 'NAME', fit: 'truncate' },
      { header: 'RETURN', align: 'right' },
      { header: 'PROFIT', align: 'right', fit: 'below' },
      { header: 'DRAWDOWN', align: 'right' },
      { header: 'SHARPE', align: 'right' },
      { header: 'WON', align: 'right' },
      { header: 'AS OF' },
      { header: 'ID', fit: 'below' },
    ],
    entries.map(rowOf),
  );
  if (nameMatches > entries.length) {
    output.note(`${formatCount(nameMatches)} match the name: more of it says which`);
  }
  noteMore(output, page);
}

function rowOf(entry: LeaderboardEntry): string[] {
  const { rank, portfolioName, profit, currency, asOf, portfolioId } = entry;
  return [
    ...[formatCount(rank), portfolioName, figure(entry.timeWeightedReturn, formatPercent)],
    ...[`${formatAmount(profit)} ${currency}`, figure(entry.maximumDrawdown, formatPercent)],
    ...[figure(entry.sharpe, formatRatio), figure(entry.winRate, formatPercent)],
    ...[asOf, portfolioId],
  ];
}

/** An undefined one is no 0; --json has the reason. */
function figure(measure: Measure | undefined, format: (value: number) => string): string {
  return measure?.value === undefined ? '-' : format(measure.value);
}
