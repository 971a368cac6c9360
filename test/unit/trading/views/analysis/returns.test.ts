import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type GetPortfolioReturnsQuerySchema,
  ReturnBucket,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { TradingQueryService } from '../../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { add, decimal, toText, zero } from '../../../../../src/kernel/decimal.ts';
import { dayText as numberText } from '../../../../../src/trading/views/days.ts';
import {
  analysisReads,
  bitcoinCloses,
  buyAndHold,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { fixtureRows } from '../../../../support/measures-rows.ts';
import { answered, bob, callOf, refused } from '../../../../support/query-bus.ts';
import { sharedData } from '../../../../support/shared-data.ts';
import { createStory, dayNumber } from '../../../../support/trading-events.ts';

const start = analysisReads();
const dayText = (time: Timestamp | undefined) =>
  time === undefined ? '' : timestampDate(time).toISOString().slice(0, 10);

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof GetPortfolioReturnsQuerySchema> = {}) =>
    answered(await ask(AnalysisQueryService.method.getPortfolioReturns, { portfolioId, ...more }));
}

const daysAfter = (day: string, days: number) => numberText(dayNumber(day) + days);
const sum = (amounts: readonly string[]) => toText(amounts.map(decimal).reduce(add, zero));

/** Five days with a deposit and a withdrawal; half of it is invested. */
function withFlows() {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', [
    ['2024-03-29', '100'],
    ['2024-03-30', '110'],
    ['2024-03-31', '121'],
    ['2024-04-01', '121'],
    ['2024-04-02', '133.1'],
  ]);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2024-03-29T10:00:00Z');
  portfolio.buy('BTC-USD', '2024-03-29T11:00:00Z', { quantity: '10', price: '100' });
  portfolio.deposit('1210', '2024-03-31T23:00:00Z');
  portfolio.withdraw('605', '2024-04-02T01:00:00Z');
  return story;
}

describe.each(engines)('returns by bucket, in %s', (engine) => {
  test('each month has its profit and the compounded return of its days', async () => {
    const ask = await read(withFlows(), engine);
    const answer = await ask();
    expect(answer).toMatchObject({
      ...{ currency: 'USD', from: '2024-03-29', to: '2024-04-02', bucket: ReturnBucket.MONTH },
      returnMethod: 'FROM_END_OF_FIRST_DAY_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
      ...{ profit: '331', freshness: { token: expect.any(String) } },
      buckets: [
        {
          ...{ startValue: '1000', endValue: '2420', deposits: '1210', withdrawals: '0' },
          profit: '210',
          // 10 %, and then 110 of 1,100 and 1,210 that came at the start of the day.
          periodReturn: { value: expect.closeTo(1.1 * (2420 / 2310) - 1, 12) },
        },
        {
          ...{ startValue: '2420', endValue: '1936', deposits: '0', withdrawals: '605' },
          profit: '121',
          periodReturn: { value: expect.closeTo(0.05, 12), undefinedReason: '' },
        },
      ],
    });
    expect(answer.buckets.map(({ start, end }) => [dayText(start), dayText(end)])).toEqual([
      ['2024-03-29', '2024-04-01'],
      ['2024-04-01', '2024-04-03'],
    ]);
  });

  test('the day of the first activity has no return, for it is what they start from', async () => {
    const ask = await read(withFlows(), engine);
    const { buckets } = await ask({ bucket: ReturnBucket.DAY });
    expect(buckets.map(({ profit }) => profit)).toEqual(['0', '100', '110', '0', '121']);
    expect(buckets[0]?.periodReturn).toMatchObject({ undefinedReason: 'NO_RETURNS' });
    const later = await ask({ bucket: ReturnBucket.DAY, from: '2024-03-30' });
    expect(later.buckets).toHaveLength(4);
    expect(later.buckets[0]).toMatchObject({
      ...{ startValue: '1000', profit: '100', periodReturn: { value: expect.closeTo(0.1, 12) } },
    });
    expect(later.profit).toBe('331');
  });
});

test('a portfolio without activities has no buckets', async () => {
  const story = createStory();
  story.portfolio(portfolioId);
  const ask = await read(story);
  expect(await ask()).toMatchObject({
    ...{ buckets: [], profit: '0', timeWeightedReturn: { undefinedReason: 'NO_RETURNS' } },
  });
});

test('a return of a bucket that began without capital is undefined, the others are not', async () => {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', [
    ['2024-01-01', '100'],
    ['2024-01-02', '100'],
    ['2024-01-03', '90'],
  ]);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('100', '2024-01-01T00:00:00Z');
  portfolio.withdraw('100', '2024-01-01T01:00:00Z');
  // Bought for nothing, so that there is a value out of no capital.
  portfolio.buy('BTC-USD', '2024-01-02T00:00:00Z', { quantity: '1', price: '0' });
  const ask = await read(story);
  const { buckets, timeWeightedReturn } = await ask({ bucket: ReturnBucket.DAY });
  expect(buckets.map(({ periodReturn }) => periodReturn)).toMatchObject([
    { undefinedReason: 'NO_RETURNS' },
    { undefinedReason: 'NO_CAPITAL' },
    { value: expect.closeTo(-0.1, 12) },
  ]);
  expect(timeWeightedReturn).toMatchObject({ undefinedReason: 'NO_CAPITAL' });
});

describe('1 BTC over two years', () => {
  const closes = new Map(bitcoinCloses());
  const price = (day: string) => Number(closes.get(day));
  const period = { from: '2016-01-01', to: '2017-12-31' };

  test.each([
    [ReturnBucket.WEEK, 105],
    [ReturnBucket.MONTH, 24],
    [ReturnBucket.QUARTER, 8],
    [ReturnBucket.YEAR, 2],
  ])('bucket %s: returns compound to that of the closes, profits add up', async (bucket, count) => {
    const ask = await read(buyAndHold());
    const { buckets, profit, timeWeightedReturn } = await ask({ ...period, bucket });
    expect(buckets).toHaveLength(count);
    const whole = price('2017-12-31') / price('2016-01-01') - 1;
    const compounded = buckets.reduce((all, one) => all * (1 + (one.periodReturn?.value ?? 0)), 1);
    expect(compounded - 1).toBeCloseTo(whole, 9);
    expect(timeWeightedReturn?.value).toBeCloseTo(whole, 9);
    expect(sum(buckets.map((one) => one.profit))).toBe(profit);
    for (const { start, end, periodReturn } of buckets.slice(1)) {
      const [first, last] = [start, end].map((time) =>
        dayText({ ...(time as Timestamp), seconds: (time?.seconds ?? 0n) - 86_400n }),
      );
      const expected = price(last ?? '') / price(first ?? '') - 1;
      expect(periodReturn?.value).toBeCloseTo(expected, 9);
    }
  });

  test('has the monthly returns of the oracle', async () => {
    const ask = await read(buyAndHold());
    const { buckets } = await ask({ ...period, bucket: ReturnBucket.MONTH });
    const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
    const expected: [string, number][] = Object.entries(oracle.monthly_returns);
    expect(buckets.map(({ start }) => dayText(start).slice(0, 7))).toEqual(
      expected.map(([month]) => month),
    );
    expect(buckets.map(({ periodReturn }) => periodReturn?.value)).toEqual(
      expected.map(([, value]) => expect.closeTo(value, 9)),
    );
  });

  test('the whole is the return and the gain that the performance tells', async () => {
    const ask = await start('memory', buyAndHold());
    const query = { portfolioId, ...period };
    const returns = await ask(AnalysisQueryService.method.getPortfolioReturns, query);
    const told = await ask(TradingQueryService.method.getPortfolioPerformance, query);
    const { profit, timeWeightedReturn } = answered(returns);
    const performance = answered(told);
    expect(profit).toBe(performance.gain);
    expect(timeWeightedReturn?.value).toBeCloseTo(performance.timeWeightedReturn?.value ?? 0, 12);
  });
});

type Row = {
  readonly name: string;
  readonly start: string;
  readonly returns: readonly number[];
} & { readonly [bucket in 'week' | 'month' | 'quarter' | 'year']: readonly number[] };

describe.each(fixtureRows<Row>('buckets'))('against empyrical and pandas: $name', (row) => {
  const { WEEK, MONTH, QUARTER, YEAR } = ReturnBucket;
  const named = { week: WEEK, month: MONTH, quarter: QUARTER, year: YEAR };

  test.each(Object.entries(named))('%s', async (name, bucket) => {
    const story = createStory();
    story.instrument('BTC-USD');
    let price = 1000;
    const closes = row.returns.map((value, at) => {
      price *= 1 + value;
      return [daysAfter(row.start, at + 1), price.toFixed(15)] as const;
    });
    story.candles('BTC-USD', [[row.start, '1000'], ...closes]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('1000', `${row.start}T00:00:00Z`);
    portfolio.buy('BTC-USD', `${row.start}T01:00:00Z`, { quantity: '1', price: '1000' });
    const ask = await read(story);
    const { buckets } = await ask({ bucket, from: daysAfter(row.start, 1) });
    const expected = row[name as keyof typeof named];
    expect(buckets).toHaveLength(expected.length);
    for (const [at, { periodReturn }] of buckets.entries()) {
      const [value, figure] = [periodReturn?.value ?? Number.NaN, expected[at] ?? Number.NaN];
      const isClose = Math.abs(value - figure) <= 1e-9 * Math.abs(figure) + 1e-13;
      if (!isClose) expect([at, value]).toEqual([at, figure]);
    }
  });
});

test('is for its owner, and refuses a period that ends before it begins', async () => {
  const ask = await start('memory', withFlows());
  const { getPortfolioReturns } = AnalysisQueryService.method;
  const foreign = await ask(getPortfolioReturns, { portfolioId }, callOf(bob));
  expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
  const days = { from: '2024-02-01', to: '2024-01-01' };
  const wrong = await ask(getPortfolioReturns, { portfolioId, ...days });
  expect(refused(wrong)).toMatchObject({ code: 'PERIOD_INVALID' });
});
