import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type GetAttributionQuerySchema,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClass } from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { add, decimal, toText, zero } from '../../../../../src/kernel/decimal.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import {
  analysisReads,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { answered, bob, callOf, refused } from '../../../../support/query-bus.ts';
import { createStory, dayNumber } from '../../../../support/trading-events.ts';

const { getAttribution } = AnalysisQueryService.method;
const start = analysisReads();

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof GetAttributionQuerySchema> = {}) =>
    answered(await ask(getAttribution, { portfolioId, ...more }));
}

/** Two assets, one of them on two markets; one is sold within the period, with fees. */
function twoAssets() {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('BTC-USD.KRAKEN', { baseAsset: 'BTC', quoteCurrency: 'USD' });
  story.instrument('ACME-USD', { assetClass: AssetClass.EQUITY });
  const closes = (...prices: string[]) =>
    prices.map((price, at) => [`2024-01-0${at + 1}`, price] as const);
  story.candles('BTC-USD', closes('100', '110', '121'));
  story.candles('BTC-USD.KRAKEN', closes('100', '100', '100'));
  story.candles('ACME-USD', closes('10', '9', '9'));
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2024-01-01T01:00:00Z', { quantity: '5', price: '100' });
  const order = { quantity: '50', price: '10', assetClass: AssetClass.EQUITY };
  portfolio.buy('ACME-USD', '2024-01-01T02:00:00Z', order);
  portfolio.deposit('100', '2024-01-02T00:00:00Z');
  const fee = { fee: '1', feeCurrency: 'USD' };
  portfolio.buy('BTC-USD.KRAKEN', '2024-01-02T01:00:00Z', { quantity: '0.5', price: '98', ...fee });
  portfolio.sell('ACME-USD', '2024-01-03T01:00:00Z', { ...order, price: '8' });
  return story;
}

describe.each(engines)('attribution, in %s', (engine) => {
  test('the gains and contributions of the assets sum up to those of the portfolio', async () => {
    const ask = await read(twoAssets(), engine);
    const answer = await ask();
    // The second day began with 1,100: BTC +50, KRAKEN 50 - 49 - 1 = 0, ACME -50.
    // The third began with 1,100 as well: BTC +55, ACME 400 - 450.
    expect(answer).toMatchObject({
      ...{ currency: 'USD', from: '2024-01-01', to: '2024-01-03', gain: '5' },
      dailyReturnMethod: 'FROM_END_OF_FIRST_DAY_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
      assets: [
        {
          ...{ asset: 'BTC', assetClass: AssetClass.CRYPTO, gain: '105', trades: 1 },
          instrumentIds: ['BTC-USD', 'BTC-USD.KRAKEN'],
          contribution: {
            value: expect.closeTo(105 / 1100, 12),
            method: 'DAILY_GAIN_OVER_CAPITAL_LINKED_BY_GROWTH',
          },
        },
        {
          ...{ asset: 'ACME', assetClass: AssetClass.EQUITY, gain: '-100', trades: 1 },
          contribution: { value: expect.closeTo(-100 / 1100, 12) },
        },
      ],
      timeWeightedReturn: { value: expect.closeTo(5 / 1100, 12) },
    });
  });

  test('of a period that begins later, with what is held then', async () => {
    const ask = await read(twoAssets(), engine);
    expect(await ask({ from: '2024-01-02' })).toMatchObject({
      ...{ gain: '5', assets: [{ asset: 'BTC', gain: '55', trades: 0 }, { gain: '-50' }] },
    });
  });
});

/** Numbers that are the same at every run. */
function randomOf(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

test.each([1, 2, 3, 4])('random portfolio %i: nothing is left over', async (seed) => {
  const random = randomOf(seed);
  const story = createStory();
  const ids = ['AAA-USD', 'BBB-USD', 'CCC-USD'];
  const day = (at: number) => dayText(dayNumber('2023-11-01') + at);
  const length = 120;
  for (const id of ids) {
    story.instrument(id);
    let price = 1000;
    const closes = Array.from({ length }, (_, at) => {
      price = Math.max(1, price + random(101) - 50);
      return [day(at), String(price)] as const;
    });
    // Some days have no price.
    story.candles(
      id,
      closes.filter((_, at) => at === 0 || random(10) > 0),
    );
  }
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('100000', `${day(0)}T00:00:00Z`);
  const held = new Map(ids.map((id) => [id, 0]));
  for (let at = 0; at < length; at += 1) {
    const time = (hour: number) => `${day(at)}T0${hour}:00:00Z`;
    if (random(8) === 0) portfolio.deposit(String(1 + random(5000)), time(1));
    const id = ids[random(3)] ?? '';
    const order = { price: String(900 + random(200)), fee: '1.5', feeCurrency: 'USD' };
    const has = held.get(id) ?? 0;
    if (random(2) === 0) {
      portfolio.buy(id, time(2), { ...order, quantity: '3' });
      held.set(id, has + 3);
    } else if (has > 0) {
      const quantity = 1 + random(has);
      portfolio.sell(id, time(3), { ...order, quantity: String(quantity) });
      held.set(id, has - quantity);
    }
    if (random(15) === 0) portfolio.withdraw(String(1 + random(100)), time(4));
  }
  const ask = await start('memory', story);
  for (const period of [{}, { from: '2023-12-05', to: '2024-01-20' }]) {
    const query = { portfolioId, ...period };
    const { assets, gain, timeWeightedReturn } = answered(await ask(getAttribution, query));
    const told = await ask(TradingQueryService.method.getPortfolioPerformance, query);
    const performance = answered(told);
    expect(gain).toBe(performance.gain);
    expect(toText(assets.map((each) => decimal(each.gain)).reduce(add, zero))).toBe(gain);
    const sum = assets.reduce((total, { contribution }) => total + (contribution?.value ?? 0), 0);
    expect(sum).toBeCloseTo(performance.timeWeightedReturn?.value ?? Number.NaN, 12);
    expect(timeWeightedReturn?.value).toBeCloseTo(sum, 12);
    expect(Math.abs(sum)).toBeGreaterThan(1e-4);
  }
});

test('where something came of nothing, the contributions are undefined and the gains are not', async () => {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', [['2024-01-02', '100']]);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('10', '2024-01-01T00:00:00Z');
  portfolio.withdraw('10', '2024-01-01T01:00:00Z');
  portfolio.buy('BTC-USD', '2024-01-02T00:00:00Z', { quantity: '1', price: '0' });
  const ask = await read(story);
  expect(await ask()).toMatchObject({
    ...{ gain: '100', timeWeightedReturn: { undefinedReason: 'NO_CAPITAL' } },
    assets: [{ asset: 'BTC', gain: '100', contribution: { undefinedReason: 'NO_CAPITAL' } }],
  });
});

test('is for the owner of the portfolio; without activities there is nothing', async () => {
  const story = createStory();
  story.portfolio(portfolioId);
  const ask = await start('memory', story);
  const foreign = await ask(getAttribution, { portfolioId }, callOf(bob));
  expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
  expect(answered(await ask(getAttribution, { portfolioId }))).toMatchObject({
    ...{ assets: [], gain: '0', timeWeightedReturn: { undefinedReason: 'NO_RETURNS' } },
  });
});
