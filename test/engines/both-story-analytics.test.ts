import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { toJson } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ProjectionService } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import {
  AnalysisQueryService,
  ReturnBucket,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import {
  BacktestService,
  BacktestTradesSchema,
  EquityCurvePageSchema,
  RunBacktestAnswerSchema,
} from '../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import {
  type LeaderboardEntry,
  LeaderboardQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { TradeSide } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { decimal, mul, sub, toText } from '../../src/kernel/decimal.ts';
import { comparable, createComparison } from '../support/analytics-compare.ts';
import {
  allQuestions,
  answersTo,
  ofBoards,
  type Question,
} from '../support/analytics-questions.ts';
import { expectedRun } from '../support/analytics-run.ts';
import { board, hourlyDeposits, liveCash, liveRows } from '../support/analytics-story.ts';
import { playAnalytics, type World } from '../support/analytics-world.ts';
import { dropEverything } from '../support/elasticsearch.ts';
import { checkViews } from '../support/engine-checks.ts';
import { ownEventStore } from '../support/engine-servers.ts';
import { freePort } from '../support/ports.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The story of a desk on the embedded engines and on the others, from the same ids and times: what is
// asked of the one has the same answer as on the other. The event store is one of its own, for the
// boards are of all portfolios of a log.

jest.setTimeout(300_000);

const prefix = `analytics-${randomUUID().slice(0, 8)}`;
const folder = temporaryFolder();
let events: ReturnType<typeof ownEventStore>;
let embedded: World;
let distributed: World;

beforeAll(async () => {
  events = ownEventStore(join(folder, 'events'), await freePort());
  await events.start();
  // One after the other where one fails: both are to be disposed of.
  const [first, second] = await Promise.allSettled([
    playAnalytics(join(folder, 'embedded'), {}),
    playAnalytics(join(folder, 'distributed'), {
      EVENTSTORE_URL: events.url,
      ELASTICSEARCH_URL: process.env.ELASTICSEARCH_URL,
      ELASTICSEARCH_INDEX_PREFIX: prefix,
    }),
  ]);
  if (first.status === 'fulfilled') embedded = first.value;
  if (second.status === 'fulfilled') distributed = second.value;
  for (const one of [first, second]) if (one.status === 'rejected') throw one.reason;
});

afterAll(async () => {
  await embedded?.[Symbol.asyncDispose]();
  await distributed?.[Symbol.asyncDispose]();
  await events?.[Symbol.asyncDispose]();
  await dropEverything(prefix);
});

const both = () => [embedded, distributed];

const questionsAtOnce = 6;

async function differencesOf(questions: readonly Question[]): Promise<readonly string[]> {
  const found: string[] = [];
  const differences = createComparison();
  for (let from = 0; from < questions.length; from += questionsAtOnce) {
    const some = questions.slice(from, from + questionsAtOnce);
    const answers = some.map((question) =>
      Promise.all(both().map(({ read, consistency }) => answersTo(read, question, consistency))),
    );
    for (const [at, [one = null, other = null]] of (await Promise.all(answers)).entries()) {
      const { method, query } = some[at] as Question;
      const label = `${method.name} ${JSON.stringify(query)}`;
      found.push(...differences(one, other, label).slice(0, 3));
    }
  }
  return found.slice(0, 20);
}

test('what is asked of the desk has the same answers on both', async () => {
  expect(embedded.asked).toEqual(distributed.asked);
  expect(await differencesOf(allQuestions(embedded.asked))).toEqual([]);
});

test('the run has traded as the model of backtests does, and so is its portfolio worth', async () => {
  const { trades, points } = expectedRun();
  expect(trades.length).toBeGreaterThan(6);
  for (const { read, asked, consistency } of both()) {
    const queries = read.client(TradingQueryService);
    const ofLive = { portfolioId: asked.live, consistency };
    const made = await queries.listTrades(ofLive);
    expect(
      made.trades.map(({ side, quantity, price, fee, executedAt }) => ({
        ...{ side, quantity, price, fee, at: Number(executedAt?.seconds) },
      })),
    ).toEqual(
      trades.map(({ side, quantity, price, fee, at }) => ({
        ...{ side: TradeSide[side], quantity: toText(quantity), price: toText(price) },
        ...{ fee: toText(fee), at },
      })),
    );
    const series = await queries.getPortfolioValueSeries(ofLive);
    const values = new Map(series.points.map(({ date, value }) => [date, value]));
    expect(points.map(({ start }) => values.get(dateOf(start)))).toEqual(
      points.map(({ equity }) => toText(equity)),
    );
  }
});

test('a backtest streams the same on both, which is what has happened live', async () => {
  const { trades, points } = expectedRun();
  const answers = await Promise.all(both().map(backtestOf));
  expect(answers[1]).toEqual(answers[0]);
  for (const { made, curve, result } of answers) {
    expect(made.map(({ quantity }) => quantity)).toEqual(
      trades.map(({ quantity }) => toText(quantity)),
    );
    expect(curve.map(({ equity }) => equity)).toEqual(points.map(({ equity }) => toText(equity)));
    expect(result).toMatchObject({ trades: String(trades.length), startValue: liveCash });
  }
});

async function backtestOf({ read, crossover, consistency }: World) {
  const made: { quantity: string }[] = [];
  const curve: { equity: string }[] = [];
  let result: unknown;
  let started: unknown;
  const query = { strategyId: crossover, instrumentId: 'BTC-USD', consistency };
  for await (const answer of read.client(BacktestService).runBacktest(query)) {
    const { part } = answer;
    const json = comparable(toJson(RunBacktestAnswerSchema, answer) as never) as object;
    if (part.case === 'trades')
      made.push(...(toJson(BacktestTradesSchema, part.value) as { trades: never[] }).trades);
    else if (part.case === 'equity')
      curve.push(...(toJson(EquityCurvePageSchema, part.value) as { points: never[] }).points);
    else if (part.case === 'started') started = json;
    else if (part.case === 'result') result = (json as { result: unknown }).result;
  }
  return { started, made, curve, result };
}

describe('the board', () => {
  const entriesOf = async ({ read, consistency }: World, query: object = {}) => {
    const entries: LeaderboardEntry[] = [];
    let cursor = '';
    do {
      const page = { pageSize: 1, cursor };
      const answer = await read
        .client(LeaderboardQueryService)
        .listLeaderboard({ ...query, page, consistency });
      entries.push(...answer.entries);
      cursor = answer.page?.nextCursor ?? '';
    } while (cursor !== '');
    return entries;
  };

  test('has equal ones on one rank, page by page, by their ids', async () => {
    // From the end of the day on which they bought.
    const first = liveRows.find(({ start }) => dateOf(start) === '2015-03-01')?.close ?? '';
    const last = liveRows.at(-1)?.close ?? '';
    const units = new Map<string, string>(board.map(([name, , quantity]) => [name, quantity]));
    for (const world of both()) {
      const entries = await entriesOf(world, { window: 4, filter: { baseCurrency: 'USD' } });
      const ofBoard = entries.filter(({ portfolioName }) => units.has(portfolioName));
      // What costs less than it did is the better the less of it there is.
      expect(Number(last)).toBeLessThan(Number(first));
      expect(ofBoard.map(({ portfolioName }) => units.get(portfolioName))).toEqual([
        ...['0', '1', '2', '2', '2', '5'],
      ]);
      const tied = ofBoard.filter(({ portfolioName }) => units.get(portfolioName) === '2');
      expect(new Set(tied.map(({ rank }) => rank)).size).toBe(1);
      const ids = tied.map(({ portfolioId }) => portfolioId);
      expect(ids).toEqual(ids.toSorted());
      const ranks = entries.map(({ rank }) => Number(rank));
      expect(ranks).toEqual(entries.map((one) => 1 + betterThan(one, entries)));
      expect(ofBoard.map(({ profit }) => profit)).toEqual(
        ofBoard.map(({ portfolioName }) => {
          const quantity = decimal(units.get(portfolioName) ?? '');
          return toText(mul(quantity, sub(decimal(last), decimal(first))));
        }),
      );
    }
  });

  const betterThan = (one: LeaderboardEntry, all: readonly LeaderboardEntry[]) =>
    all.filter((other) => figureOf(other) > figureOf(one)).length;
  const figureOf = ({ timeWeightedReturn }: LeaderboardEntry) =>
    timeWeightedReturn?.value ?? Number.NaN;

  test('has each trade for who presents its receipt', async () => {
    for (const { teller, read, boardIds } of both()) {
      const [portfolioId = ''] = boardIds;
      for (const turn of [1, 2, 3, 4]) {
        const at = `2015-04-2${turn}T12:00:00Z`;
        const sold = await teller.sell(portfolioId, 'BTC-USD', '0.1 at 300', at);
        const { entries } = await read.client(LeaderboardQueryService).listLeaderboard({
          ...{ userId: 'ann', name: 'creme' },
          consistency: { atLeastAsFreshAs: sold.consistencyToken, patience: { seconds: 30n } },
        });
        expect(entries).toMatchObject([{ portfolioId, closedTrades: turn, winRate: { value: 1 } }]);
      }
    }
  });

  test('without a projector it says so, and has what was missed when one is back', async () => {
    for (const world of both()) {
      const { teller, read, boardIds, projector } = world;
      await projector.stop('SIGKILL');
      const [portfolioId = ''] = boardIds;
      const sold = await teller.sell(portfolioId, 'BTC-USD', '0.1 at 300', '2015-04-26T12:00:00Z');
      const ask = (patience: object) =>
        read.client(LeaderboardQueryService).listLeaderboard({
          ...{ userId: 'ann', name: 'creme' },
          consistency: { atLeastAsFreshAs: sold.consistencyToken, patience },
        });
      const early = await ask({ nanos: 200_000_000 }).catch(ConnectError.from);
      expect(early).toMatchObject({ code: Code.Unavailable });
      expect(String(early)).toContain("'trading_standings'");
      world.projector = await projector.again();
      const { entries } = await ask({ seconds: 30n });
      expect(entries).toMatchObject([{ portfolioId, closedTrades: 5 }]);
    }
  });

  test('is the same when it is built again; and all views are what the log makes them', async () => {
    for (const { projector } of both()) {
      let switched = false;
      const projections = projector.client(ProjectionService);
      const view = 'trading_standings';
      for await (const { progress } of projections.rebuildProjection({ view })) {
        switched = progress?.switched ?? switched;
      }
      expect(switched).toBe(true);
    }
    expect(await differencesOf(ofBoards())).toEqual([]);
    expect(await checkViews(distributed.projector)).toBeGreaterThan(50);
  });
});

test('hours have the flows of all documents of a month', async () => {
  for (const { read, asked, consistency } of both()) {
    const { buckets, profit } = await read.client(AnalysisQueryService).getPortfolioReturns({
      ...{ portfolioId: asked.hours, bucket: ReturnBucket.HOUR, consistency },
      ...{ from: '2015-03-01', to: '2015-03-04' },
    });
    // In the hour of the first activity all that there was is the value to start from.
    const deposits = buckets.slice(0, 3).map((bucket) => bucket.deposits);
    expect(deposits).toEqual(['0', '7.5', '7.5']);
    const sum = (of: 'deposits' | 'withdrawals') =>
      buckets.reduce((total, bucket) => total + Number(bucket[of]), 0);
    expect(sum('deposits')).toBe(hourlyDeposits * 1.25);
    expect(sum('withdrawals')).toBe(300.5);
    const gains = buckets.map((bucket) => bucket.profit).filter((text) => text !== '');
    expect(profit).toMatch(/^-?\d/);
    expect(gains.length).toBeGreaterThan(50);
  }
});

function dateOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
