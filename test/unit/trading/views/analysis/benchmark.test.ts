import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type CompareWithBenchmarkQuerySchema,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClass } from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import {
  analysisReads,
  buyAndHold,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { fixtureRows, type SeriesRow } from '../../../../support/measures-rows.ts';
import { answered, bob, callOf, refused } from '../../../../support/query-bus.ts';
import { createStory, dayNumber } from '../../../../support/trading-events.ts';

const { compareWithBenchmark } = AnalysisQueryService.method;
const start = analysisReads();

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof CompareWithBenchmarkQuerySchema> = {}) =>
    answered(await ask(compareWithBenchmark, { portfolioId, benchmarkId: 'ETH-USD', ...more }));
}

/** Closes by day from 2024-01-01 (a Monday) on; '' is a day without one. */
function closesFrom(first: string, prices: readonly string[]) {
  return prices.flatMap((price, at) =>
    price === '' ? [] : [[dayText(dayNumber(first) + at), price] as const],
  );
}

/** 1 BTC held from the first day on, and ETH to compare it with. */
function held(
  own: readonly string[],
  benchmark: readonly string[],
  classes: { readonly own: AssetClass; readonly benchmark: AssetClass } = {
    own: AssetClass.CRYPTO,
    benchmark: AssetClass.CRYPTO,
  },
) {
  const story = createStory();
  story.instrument('BTC-USD', { assetClass: classes.own });
  story.instrument('ETH-USD', { assetClass: classes.benchmark });
  story.candles('BTC-USD', closesFrom('2024-01-01', own));
  if (benchmark.length > 0) story.candles('ETH-USD', closesFrom('2024-01-01', benchmark));
  const portfolio = story.portfolio(portfolioId);
  const price = own[0] ?? '';
  portfolio.deposit(price, '2024-01-01T00:00:00Z');
  const order = { quantity: '1', price, assetClass: classes.own };
  portfolio.buy('BTC-USD', '2024-01-01T01:00:00Z', order);
  return story;
}

/** What a thousand became, as prices; they are compared with a relative error far above this. */
function pricesOf(returns: readonly number[]): readonly string[] {
  let price = 1000;
  const prices = returns.map((value) => {
    price *= 1 + value;
    return price.toFixed(15);
  });
  return ['1000', ...prices];
}

const rows = fixtureRows<SeriesRow>('series').filter(({ returns }) => !returns.includes(-1));

test('the fixture has rows', () => {
  expect(rows.length).toBeGreaterThan(20);
});

describe.each(rows)('against an independent implementation: $name', (row) => {
  test('agrees', async () => {
    const { returns, benchmark, annualisation, riskFree, comparison } = row;
    const ask = await read(held(pricesOf(returns), pricesOf(benchmark)));
    const answer = await ask({
      ...{ annualisationFactor: annualisation, riskFreeRate: String(riskFree) },
    });
    expect(answer.returns).toBe(returns.length);
    const found: { readonly [name: string]: unknown } = answer;
    for (const [name, expected] of Object.entries(comparison)) {
      const { value, undefinedReason } = found[name] as { value?: number; undefinedReason: string };
      if (expected === null)
        expect([name, undefinedReason]).toEqual([name, expect.stringMatching(/./)]);
      else {
        const tolerance = 1e-9 * Math.max(Math.abs(expected), 1e-3);
        expect([name, Math.abs((value ?? Number.NaN) - expected) <= tolerance]).toEqual([
          name,
          true,
        ]);
      }
    }
  });
});

describe.each(engines)('a portfolio beside its benchmark, in %s', (engine) => {
  test('names the methods, the days, and the factor', async () => {
    const story = held(['100', '110', '99', '108.9'], ['10', '12', '9', '9.9']);
    const ask = await read(story, engine);
    const answer = await ask();
    expect(answer).toMatchObject({
      ...{ currency: 'USD', benchmarkId: 'ETH-USD', benchmarkCurrency: 'USD' },
      ...{ from: '2024-01-01', to: '2024-01-04', returns: 3, carriedPrices: 0 },
      ...{ annualisationFactor: 365, annualisationBasis: 'ALL_CRYPTO' },
      alpha: { method: 'JENSEN_MEAN_COMPOUNDED_A' },
      beta: { method: 'COVARIANCE_OVER_BENCHMARK_VARIANCE' },
      correlation: { method: 'PEARSON_OF_RETURNS' },
      trackingError: { method: 'SAMPLE_STDEV_OF_ACTIVE_RETURN_SQRT_A' },
      informationRatio: { method: 'ACTIVE_RETURN_OVER_TRACKING_ERROR_SQRT_A' },
      timeWeightedReturn: { value: expect.closeTo(0.089, 12) },
      benchmarkReturn: {
        value: expect.closeTo(-0.01, 12),
        method: 'LAST_CLOSE_OVER_FIRST_CLOSE',
      },
      activeReturn: { value: expect.closeTo(0.099, 12), method: 'TWR_LESS_TWR_OF_BENCHMARK' },
    });
  });
});

test('a benchmark that is what is held has a beta of 1, and no tracking error to relate to', async () => {
  const ask = await read(buyAndHold());
  expect(await ask({ benchmarkId: 'BTC-USD', to: '2017-12-31' })).toMatchObject({
    ...{ returns: 730, alpha: { value: expect.closeTo(0, 9) }, beta: { value: 1 } },
    correlation: { value: expect.closeTo(1, 12) },
    ...{ trackingError: { value: 0 }, informationRatio: { undefinedReason: 'NO_TRACKING_ERROR' } },
    activeReturn: { value: expect.closeTo(0, 9) },
  });
});

test('one whose prices begin later is compared with from there on; gaps are carried', async () => {
  const story = held(['100', '110', '99', '108.9'], ['', '12', '', '9']);
  const ask = await read(story);
  expect(await ask()).toMatchObject({
    ...{ from: '2024-01-02', to: '2024-01-04', returns: 2, carriedPrices: 1 },
    benchmarkReturn: { value: expect.closeTo(-0.25, 12) },
    timeWeightedReturn: { value: expect.closeTo(-0.01, 12) },
  });
});

test('without prices, or none before the last day, nothing can be compared', async () => {
  for (const benchmark of [[], ['', '', '', '9']]) {
    const ask = await read(held(['100', '110', '99', '108.9'], benchmark));
    expect(await ask()).toMatchObject({
      ...{ returns: 0, beta: { undefinedReason: 'NO_BENCHMARK', method: expect.any(String) } },
      benchmarkReturn: { undefinedReason: 'NO_BENCHMARK' },
    });
  }
});

test('a benchmark that closes joins the days on which it is closed, in both', async () => {
  // From Monday on: nothing on the sixth and the seventh day.
  const own = ['100', '101', '102', '103', '104', '105', '106', '107'];
  const benchmark = ['50', '51', '50', '52', '53', '', '', '54'];
  const classes = { own: AssetClass.CRYPTO, benchmark: AssetClass.EQUITY };
  const ask = await read(held(own, benchmark, classes));
  expect(await ask()).toMatchObject({
    ...{ returns: 5, annualisationFactor: 252, annualisationBasis: 'MARKETS_THAT_CLOSE' },
    timeWeightedReturn: { value: expect.closeTo(0.07, 12) },
    benchmarkReturn: { value: expect.closeTo(0.08, 12) },
  });
  expect(await ask({ annualisationFactor: 365 })).toMatchObject({
    ...{ returns: 7, annualisationBasis: 'REQUESTED' },
  });
});

test('is for the owner of the portfolio; a benchmark that does not exist is told', async () => {
  const ask = await start('memory', held(['100', '110'], ['10', '12']));
  const query = { portfolioId, benchmarkId: 'ETH-USD' };
  expect(refused(await ask(compareWithBenchmark, query, callOf(bob)))).toMatchObject({
    code: 'PORTFOLIO_NOT_FOUND',
  });
  const unknown = { ...query, benchmarkId: 'DOGE-USD' };
  expect(refused(await ask(compareWithBenchmark, unknown))).toMatchObject({
    code: 'INSTRUMENT_NOT_FOUND',
  });
  const rate = { ...query, riskFreeRate: '-1' };
  expect(refused(await ask(compareWithBenchmark, rate))).toMatchObject({
    code: 'RISK_FREE_RATE_INVALID',
  });
});
