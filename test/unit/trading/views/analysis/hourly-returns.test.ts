import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  AnalysisQueryService,
  type GetPortfolioReturnsQuerySchema,
  ReturnBucket,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { CandleInterval } from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { add, decimal, toText, zero } from '../../../../../src/kernel/decimal.ts';
import { hourSteps } from '../../../../../src/trading/views/analysis/hourly.ts';
import {
  analysisReads,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { answered, refused } from '../../../../support/query-bus.ts';
import { createStory } from '../../../../support/trading-events.ts';

const { getPortfolioReturns } = AnalysisQueryService.method;
const start = analysisReads();

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof GetPortfolioReturnsQuerySchema> = {}) =>
    answered(await ask(getPortfolioReturns, { portfolioId, bucket: ReturnBucket.HOUR, ...more }));
}

const time = (day: number, hour: number, minute = 0) =>
  new Date(Date.UTC(2024, 0, day, hour, minute)).toISOString();

/** A candle for each hour of two days; the close of the hour rises by one: 100, 101, … */
function hourlyCandles(story: Story, from = 0, until = 48) {
  story.candles(
    'BTC-USD',
    Array.from({ length: until - from }, (_, at) => [time(1, from + at), String(100 + from + at)]),
    CandleInterval.CANDLE_INTERVAL_1H,
  );
}

function world() {
  const story = createStory();
  story.instrument('BTC-USD');
  const portfolio = story.portfolio(portfolioId);
  return { story, portfolio };
}

const sum = (amounts: readonly string[]) => toText(amounts.map(decimal).reduce(add, zero));

describe.each(engines)('returns by the hour, in %s', (engine) => {
  test('from hourly candles, with flows within the day, from the first activity on', async () => {
    const { story, portfolio } = world();
    hourlyCandles(story);
    portfolio.deposit('1000', time(1, 5, 30));
    portfolio.buy('BTC-USD', time(1, 6, 15), { quantity: '2', price: '105' });
    portfolio.deposit('500', time(1, 8, 59));
    portfolio.withdraw('100', time(1, 9));
    portfolio.sell('BTC-USD', time(2, 20), { quantity: '1', price: '143' });
    const ask = await read(story, engine);
    const answer = await ask();
    expect(answer).toMatchObject({
      ...{ from: '2024-01-01', to: '2024-01-02', bucket: ReturnBucket.HOUR },
      returnMethod: 'FROM_END_OF_FIRST_HOUR_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
      timeWeightedReturn: { method: 'TWR_HOURLY_FROM_END_OF_FIRST_HOUR' },
    });
    const { buckets } = answer;
    expect(buckets).toHaveLength(48 - 5);
    const hour = (day: number, at: number) =>
      buckets.find(
        ({ start: from }) => from && timestampDate(from).toISOString() === time(day, at),
      );
    expect(hour(1, 5)).toMatchObject({
      ...{ endValue: '1000', profit: '0', periodReturn: { undefinedReason: 'NO_RETURNS' } },
    });
    // Two at 105, and worth 106 when the hour was over.
    expect(hour(1, 6)).toMatchObject({ startValue: '1000', endValue: '1002', profit: '2' });
    expect(hour(1, 8)).toMatchObject({
      ...{ startValue: '1004', deposits: '500', endValue: '1506', profit: '2' },
      periodReturn: { value: expect.closeTo(2 / 1504, 12) },
    });
    expect(hour(1, 9)).toMatchObject({
      ...{ withdrawals: '100', endValue: '1408', profit: '2' },
      periodReturn: { value: expect.closeTo(2 / 1506, 12) },
    });
    expect(hour(2, 20)).toMatchObject({ profit: '1' });
    expect(sum(buckets.map(({ profit }) => profit))).toBe(answer.profit);
    const linked = buckets.reduce((all, one) => all * (1 + (one.periodReturn?.value ?? 0)), 1);
    expect(answer.timeWeightedReturn?.value).toBeCloseTo(linked - 1, 12);
    const byDay = await ask({ bucket: ReturnBucket.DAY, from: '2024-01-02' });
    const ofDay = await ask({ from: '2024-01-02' });
    expect(ofDay.buckets).toHaveLength(24);
    expect(ofDay.buckets[0]).toMatchObject({ startValue: byDay.buckets[0]?.startValue });
    expect(ofDay.profit).toBe(byDay.profit);
    expect(ofDay.timeWeightedReturn?.value).toBeCloseTo(
      byDay.timeWeightedReturn?.value ?? Number.NaN,
      12,
    );
  });

  test('from shorter candles where there are none of an hour', async () => {
    const { story, portfolio } = world();
    story.candles(
      'BTC-USD',
      [
        [time(1, 0), '100'],
        [time(1, 0, 55), '101'],
        [time(1, 1, 30), '104'],
        [time(1, 2, 55), '103'],
      ],
      CandleInterval.CANDLE_INTERVAL_5M,
    );
    portfolio.deposit('100', time(1, 0, 10));
    portfolio.buy('BTC-USD', time(1, 0, 20), { quantity: '1', price: '100' });
    const ask = await read(story, engine);
    const { buckets } = await ask();
    // The day is not over: no price is known behind three o'clock.
    expect(buckets.map(({ endValue }) => endValue)).toEqual(['101', '104', '103']);
    expect(buckets.map(({ profit }) => profit)).toEqual(['0', '3', '-1']);
  });
});

test('random flows and trades: the profits of the hours of a day are that of the day', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 50, max: 150 }), { minLength: 96, maxLength: 96 }),
      fc.array(
        fc.record({
          minute: fc.integer({ min: 0, max: 96 * 60 - 1 }),
          what: fc.constantFrom('deposit', 'withdraw', 'buy', 'sell'),
          amount: fc.integer({ min: 1, max: 40 }),
        }),
        { maxLength: 25 },
      ),
      async (prices, activities) => {
        const { story, portfolio } = world();
        const closes = prices.map((price, at) => [time(1, at), String(price)] as const);
        story.candles('BTC-USD', closes, CandleInterval.CANDLE_INTERVAL_1H);
        portfolio.deposit('10000', time(1, 0));
        let held = 0;
        for (const { minute, what, amount } of activities.sort((a, b) => a.minute - b.minute)) {
          const [at, text] = [time(1, 0, minute), String(amount)];
          const order = { quantity: text, price: '100', fee: '0.5', feeCurrency: 'USD' };
          if (what === 'deposit' || what === 'withdraw') portfolio[what](text, at);
          else if (what === 'buy') portfolio.buy('BTC-USD', at, order);
          else if (held >= amount) portfolio.sell('BTC-USD', at, order);
          else continue;
          held += what === 'buy' ? amount : what === 'sell' ? -amount : 0;
        }
        const ask = await read(story);
        for (const day of ['2024-01-02', '2024-01-03', '2024-01-04']) {
          const period = { from: day, to: day };
          const [whole] = (await ask({ ...period, bucket: ReturnBucket.DAY })).buckets;
          const { buckets, profit } = await ask(period);
          expect(sum(buckets.map((bucket) => bucket.profit))).toBe(whole?.profit);
          expect(profit).toBe(whole?.profit);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('hours that are known by candles of a day alone have no return and no profit', async () => {
  const { story, portfolio } = world();
  story.candles('BTC-USD', [
    [time(1, 0), '100'],
    [time(2, 0), '110'],
  ]);
  portfolio.deposit('100', time(1, 0));
  portfolio.buy('BTC-USD', time(1, 1), { quantity: '1', price: '100' });
  const ask = await read(story);
  const { buckets, timeWeightedReturn, profit } = await ask({ from: '2024-01-02' });
  expect(buckets).toHaveLength(24);
  for (const bucket of buckets) {
    expect(bucket).toMatchObject({
      ...{ profit: '', periodReturn: { undefinedReason: 'NO_HOURLY_PRICES' } },
    });
  }
  expect(timeWeightedReturn).toMatchObject({ undefinedReason: 'NO_HOURLY_PRICES' });
  // From the end of a day to that of another, both are known.
  expect(profit).toBe('10');
});

test('of a day with both, the shorter candles count; only hours without them are undefined', async () => {
  const { story, portfolio } = world();
  story.candles('BTC-USD', [
    [time(1, 0), '100'],
    [time(2, 0), '999'],
  ]);
  hourlyCandles(story, 26, 48);
  portfolio.deposit('100', time(1, 0));
  portfolio.buy('BTC-USD', time(1, 1), { quantity: '1', price: '100' });
  const ask = await read(story);
  const { buckets } = await ask({ from: '2024-01-02' });
  const reasons = buckets.map(({ periodReturn }) => periodReturn?.undefinedReason ?? '');
  expect(reasons.slice(0, 4)).toEqual([...Array(3).fill('NO_HOURLY_PRICES'), '']);
  expect(new Set(reasons.slice(3))).toEqual(new Set(['']));
  expect(buckets.at(-1)).toMatchObject({ endValue: '147', profit: '1' });
});

test('cash alone needs no prices', async () => {
  const { story, portfolio } = world();
  portfolio.deposit('100', time(1, 3));
  portfolio.withdraw('40', time(1, 5));
  const ask = await read(story);
  const { buckets, timeWeightedReturn } = await ask();
  expect(buckets.map(({ endValue }) => endValue)).toEqual(['100', '100', '60']);
  expect(timeWeightedReturn).toMatchObject({ value: 0 });
});

test('more than 92 days by the hour are refused', async () => {
  const { story, portfolio } = world();
  portfolio.deposit('100', '2023-01-01T00:00:00Z');
  portfolio.withdraw('40', '2023-12-01T00:00:00Z');
  const ask = await start('memory', story);
  const query = { portfolioId, bucket: ReturnBucket.HOUR };
  expect(refused(await ask(getPortfolioReturns, query))).toMatchObject({
    ...{ code: 'PERIOD_INVALID', message: expect.stringContaining('92') },
  });
  const period = { from: '2023-01-01', to: '2023-04-02' };
  expect(answered(await ask(getPortfolioReturns, { ...query, ...period })).buckets).toHaveLength(
    92 * 24,
  );
});

test('the first trade of an instrument, recorded while the answer is made, is not in it', () => {
  const hour = (at: number) => 3_600_000 * at;
  const history = {
    cash: '100',
    held: new Map<string, readonly [string, string]>(),
    trades: [
      { time: hour(1), instrumentId: 'A', quantityChange: '1', cashChange: '-10', price: '10' },
      { time: hour(2), instrumentId: 'B', quantityChange: '1', cashChange: '-20', price: '20' },
    ],
    flows: [],
    prices: new Map([['A', []]]),
  };
  expect(hourSteps(history, 0, 2).map(({ value }) => toText(value))).toEqual(['100', '100', '100']);
});
