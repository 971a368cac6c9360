import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import {
  LeaderboardMeasure as By,
  LeaderboardQueryService,
  LeaderboardWindow as Window,
} from '../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { toToken } from '../../src/kernel/token.ts';
import { eventsFile } from './command-bus.ts';
import { call } from './grpc.ts';
import { openLoop } from './open-loop.ts';
import { createRandom } from './random.ts';
import { depositOf, sizesPortfolioId, tickOf, userOf } from './sizes-log.ts';
import { median, percentile } from './statistics.ts';
import { strategyIdOf } from './strategies.ts';

export type Asked = 'leaderboard' | 'performance' | 'strategy';

type Load = {
  readonly address: string;
  readonly asked: Asked;
  readonly portfolios: number;
  readonly strategies: number;
  readonly perSecond: number;
  readonly count: number;
  /** Another one for other questions. */
  readonly seed: number;
};

/** Queries at a fixed rate, each another one than that before. */
export async function timeAsked(load: Load) {
  const { perSecond, count, seed } = load;
  const random = createRandom(seed);
  const send = (index: number) => ask(load, index, random);
  const times = await openLoop({ perSecond, count, send });
  return { median: median(times), p99: percentile(times, 0.99), most: Math.max(...times) };
}

async function ask(load: Load, index: number, random: () => number): Promise<void> {
  const { address, asked, portfolios, strategies } = load;
  const pick = (count: number) => Math.floor(random() * count);
  if (asked === 'strategy') {
    await call(address, TradingQueryService.method.getStrategy, {
      strategyId: strategyIdOf(pick(strategies)),
    });
  } else if (asked === 'performance') {
    // Of half a year, or of all four.
    const from = index % 2 === 0 ? '2025-07-01' : '';
    const portfolioId = sizesPortfolioId(pick(portfolios));
    await call(address, TradingQueryService.method.getPortfolioPerformance, { portfolioId, from });
  } else {
    const { entries } = await call(
      address,
      LeaderboardQueryService.method.listLeaderboard,
      questionOf(index, random, pick(portfolios)),
    );
    if (entries.length === 0 && index % 4 === 0) throw new Error('a leaderboard without entries');
  }
}

const windows = [
  Window.LEADERBOARD_WINDOW_7_DAYS,
  Window.LEADERBOARD_WINDOW_30_DAYS,
  Window.LEADERBOARD_WINDOW_90_DAYS,
  Window.LEADERBOARD_WINDOW_180_DAYS,
];
const measures = [By.RETURN, By.PROFIT, By.MAXIMUM_DRAWDOWN, By.SHARPE, By.WIN_RATE];
const words = ['steady', 'carry', 'savngs', 'pati', 'growth 12', 'brod income'];

/** Of four one the first page, one with a filter, one of a user, one with a name. */
function questionOf(index: number, random: () => number, portfolio: number) {
  const some = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const question = {
    ...{ window: some(windows), sort: some(measures), worstFirst: random() < 0.3 },
    filter: { baseCurrency: 'USD' },
    page: { pageSize: 50 },
  };
  switch (index % 4) {
    case 0:
      return question;
    case 1: {
      const min = Math.round(random() * 100) / 100;
      const filter = { ...question.filter, winRate: { min }, sharpe: { max: 3 - 2 * random() } };
      return { ...question, filter };
    }
    case 2:
      return { ...question, userId: userOf(portfolio) };
    default:
      return { ...question, name: some(words) };
  }
}

type Written = {
  readonly folder: string;
  readonly address: string;
  readonly first: number;
  readonly count: number;
  readonly pauseMs: number;
};

/**
 * New prices of what every portfolio has, one after the other as soon as the one before is in the
 * leaderboard, and a pause. @returns the milliseconds from each until it is
 */
export async function timeTicks(input: Written): Promise<readonly number[]> {
  const { folder, address, first, count, pauseMs } = input;
  await using log = createSqliteEventLog({ path: join(folder, eventsFile), synchronous: 'NORMAL' });
  const times: number[] = [];
  for (let number = first; number < first + count; number += 1) {
    const startedAt = performance.now();
    const { stream, event } = tickOf(number);
    await log.append(stream, 'any', [event]);
    await seen(address, toToken((await log.head()).position));
    times.push(performance.now() - startedAt);
    await delay(pauseMs);
  }
  return times;
}

/** Deposits at a fixed rate. @returns from each tenth until the leaderboard has it */
export async function timeDeposits(
  input: Omit<Written, 'pauseMs'> & { readonly portfolios: number; readonly perSecond: number },
): Promise<readonly number[]> {
  const { folder, address, first, count, portfolios, perSecond } = input;
  await using log = createSqliteEventLog({ path: join(folder, eventsFile), synchronous: 'NORMAL' });
  const times: number[] = [];
  const send = async (index: number) => {
    const { stream, event } = depositOf(first + index, portfolios);
    const startedAt = performance.now();
    await log.append(stream, 'any', [event]);
    if (index % 10 > 0) return;
    await seen(address, toToken((await log.head()).position));
    times.push(performance.now() - startedAt);
  };
  await openLoop({ perSecond, count, send });
  return times;
}

const patienceMs = 600_000;

/** When an answer is as fresh as the token. */
async function seen(address: string, token: string): Promise<void> {
  const consistency = { atLeastAsFreshAs: token, patience: { seconds: 30n, nanos: 0 } };
  const { listLeaderboard } = LeaderboardQueryService.method;
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      await call(address, listLeaderboard, { consistency, page: { pageSize: 1 } });
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}
