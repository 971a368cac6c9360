import { expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  ReturnBucket,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { analysisReads, portfolioId } from '../../../../support/analysis-read.ts';
import { answered, uuid } from '../../../../support/query-bus.ts';
import { createStory } from '../../../../support/trading-events.ts';

const { method } = AnalysisQueryService;
const start = analysisReads();
const strategyId = uuid(50);
const before = { from: '2023-01-01', to: '2023-01-31' };

function world() {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', [
    ['2022-12-01', '90'],
    ['2024-01-01', '100'],
    ['2024-01-02', '110'],
  ]);
  story.strategy(strategyId, 'Crosses');
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2024-01-01T01:00:00Z', { quantity: '1', price: '100', strategyId });
  return story;
}

test('of a period before the first activity there is nothing, and measures say why', async () => {
  const ask = await start('memory', world());
  const query = { portfolioId, ...before };
  for (const bucket of [ReturnBucket.HOUR, ReturnBucket.DAY, ReturnBucket.MONTH]) {
    const returns = await ask(method.getPortfolioReturns, { ...query, bucket });
    expect(answered(returns)).toMatchObject({
      ...{ buckets: [], profit: '0', timeWeightedReturn: { undefinedReason: 'NO_RETURNS' } },
    });
  }
  expect(answered(await ask(method.listDrawdownEpisodes, query))).toMatchObject({
    ...{ episodes: [], maximumDrawdown: { undefinedReason: 'NO_RETURNS' } },
    currentDrawdown: { undefinedReason: 'NO_RETURNS' },
  });
  expect(answered(await ask(method.getPortfolioExposure, query))).toMatchObject({
    ...{ equity: '0', gross: '0', assets: [], leverage: { undefinedReason: 'NO_CAPITAL' } },
    peakLeverage: { undefinedReason: 'NO_CAPITAL' },
  });
  const benchmarkId = 'BTC-USD';
  expect(answered(await ask(method.compareWithBenchmark, { ...query, benchmarkId }))).toMatchObject(
    {
      ...{ returns: 0, beta: { undefinedReason: 'NO_RETURNS' } },
    },
  );
  expect(answered(await ask(method.getAttribution, query))).toMatchObject({
    ...{ assets: [], gain: '0', timeWeightedReturn: { undefinedReason: 'NO_RETURNS' } },
  });
  expect(answered(await ask(method.listCostBasis, query))).toMatchObject({
    ...{ lots: [], cost: '0', realisedGain: '0' },
  });
  const strategy = await ask(method.getStrategyPerformance, { strategyId, ...before });
  expect(answered(strategy).performance).toMatchObject([
    {
      ...{ trades: 0n, startValue: '0', endValue: '0', gain: '0', dailyReturns: 0 },
      timeWeightedReturn: { undefinedReason: 'NO_RETURNS' },
    },
  ]);
});

test('of a period behind all that is known it is the last known day', async () => {
  const ask = await start('memory', world());
  const query = { portfolioId, from: '2030-01-01', to: '2030-12-31' };
  const returns = await ask(method.getPortfolioReturns, { ...query, bucket: ReturnBucket.DAY });
  expect(answered(returns)).toMatchObject({
    ...{ from: '2024-01-02', to: '2024-01-02', profit: '10', buckets: [{ endValue: '1010' }] },
  });
  expect(answered(await ask(method.getPortfolioExposure, query))).toMatchObject({
    ...{ to: '2024-01-02', gross: '110' },
  });
});
