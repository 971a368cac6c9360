import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type GetPortfolioExposureQuerySchema,
  PositionSide,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClass } from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal } from '../../../../../src/kernel/decimal.ts';
import {
  byAsset,
  byAssetClass,
  leverageOver,
  netOf,
  sidesOf,
} from '../../../../../src/trading/views/analysis/exposure.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import {
  analysisReads,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { answered, bob, callOf, refused } from '../../../../support/query-bus.ts';
import { createStory } from '../../../../support/trading-events.ts';

const { getPortfolioExposure } = AnalysisQueryService.method;
const start = analysisReads();

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof GetPortfolioExposureQuerySchema> = {}) =>
    answered(await ask(getPortfolioExposure, { portfolioId, ...more }));
}

/** BTC on two markets and a share that has no price but that of its trade; half is cash at first. */
function mixed() {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('BTC-USD.KRAKEN', { baseAsset: 'BTC', quoteCurrency: 'USD' });
  story.instrument('ACME-USD', { assetClass: AssetClass.EQUITY });
  const closes = (...prices: string[]) =>
    prices.map((price, at) => [`2024-01-0${at + 1}`, price] as const);
  story.candles('BTC-USD', closes('100', '120', '120'));
  story.candles('BTC-USD.KRAKEN', closes('100', '121'));
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2024-01-01T01:00:00Z', { quantity: '5', price: '100' });
  portfolio.buy('BTC-USD.KRAKEN', '2024-01-02T01:00:00Z', { quantity: '1', price: '110' });
  const order = { quantity: '2', price: '20', assetClass: AssetClass.EQUITY };
  portfolio.buy('ACME-USD', '2024-01-03T01:00:00Z', order);
  return { story, portfolio };
}

describe.each(engines)('exposure, in %s', (engine) => {
  test('by asset and side, gross, net and for each unit of equity', async () => {
    const ask = await read(mixed().story, engine);
    const equity = 350 + 600 + 121 + 40;
    expect(await ask()).toMatchObject({
      ...{ currency: 'USD', from: '2024-01-01', to: '2024-01-03' },
      ...{ equity: '1111', cash: '350', long: '761', short: '0', gross: '761', net: '761' },
      leverage: { value: expect.closeTo(761 / equity, 12), method: 'GROSS_VALUE_OVER_EQUITY' },
      netLeverage: { value: expect.closeTo(761 / equity, 12), method: 'NET_VALUE_OVER_EQUITY' },
      assets: [
        {
          ...{ asset: 'BTC', assetClass: AssetClass.CRYPTO, side: PositionSide.LONG },
          ...{ value: '721', weight: { value: expect.closeTo(721 / equity, 12) } },
          instruments: [
            { instrumentId: 'BTC-USD', quantity: '5', value: '600', price: '120' },
            // Carried from the day before.
            { instrumentId: 'BTC-USD.KRAKEN', value: '121', pricedAt: '2024-01-02' },
          ],
        },
        {
          ...{ asset: 'ACME', assetClass: AssetClass.EQUITY, value: '40' },
          instruments: [{ instrumentId: 'ACME-USD', price: '20', pricedAt: '' }],
        },
      ],
      assetClasses: [
        { assetClass: AssetClass.CRYPTO, long: '721', short: '0', gross: '721', net: '721' },
        { assetClass: AssetClass.EQUITY, long: '40', weight: { value: 40 / equity } },
      ],
      meanLeverage: {
        value: expect.closeTo((0.5 + 721 / 1111 + 761 / 1111) / 3, 12),
      },
      peakLeverage: { value: expect.closeTo(761 / 1111, 12) },
      peakLeverageDate: '2024-01-03',
    });
  });

  test('as of the end of a day, with mean and peak from another one on', async () => {
    const { story, portfolio } = mixed();
    portfolio.sell('BTC-USD', '2024-01-04T01:00:00Z', { quantity: '5', price: '120' });
    const ask = await read(story, engine);
    expect(await ask({ to: '2024-01-01' })).toMatchObject({
      ...{ equity: '1000', gross: '500', assets: [{ asset: 'BTC', value: '500' }] },
      peakLeverage: { value: 0.5 },
    });
    const later = await ask({ from: '2024-01-04' });
    expect(later.gross).toBe('161');
    expect(later.meanLeverage?.value).toBe(later.leverage?.value);
    expect(await ask()).toMatchObject({ peakLeverageDate: '2024-01-03' });
  });
});

test('without equity the leverage is undefined', async () => {
  const story = createStory();
  story.portfolio(portfolioId);
  const ask = await read(story);
  expect(await ask()).toMatchObject({
    ...{ equity: '0', gross: '0', assets: [], peakLeverageDate: '' },
    leverage: { undefinedReason: 'NO_CAPITAL' },
    meanLeverage: { undefinedReason: 'NO_CAPITAL' },
    peakLeverage: { undefinedReason: 'NO_CAPITAL' },
  });
});

test('a quantity under zero is a short position: gross adds it, net takes it off', () => {
  const held = (instrumentId: string, quantity: string, value: string) => {
    const [amount, price] = [decimal(value), decimal('10')];
    return { instrumentId, quantity: decimal(quantity), price, value: amount, pricedAt: 1 };
  };
  const all = [held('A-USD', '3', '30'), held('A-EUR', '-1', '-10'), held('B-USD', '-5', '-50')];
  const sides = sidesOf(all);
  expect([sides.long, sides.short, netOf(sides)].map(String)).toEqual(['30', '60', '-30']);
  const document = { baseAsset: 'A', assetClass: 'CRYPTO' };
  const known = new Map<string, never>([
    ['A-USD', document as never],
    ['A-EUR', document as never],
  ]);
  const exposures = byAsset(all, known);
  expect(exposures.map(({ asset, side, value }) => [asset, side, String(value)])).toEqual([
    ['B-USD', 'SHORT', '50'],
    ['A', 'LONG', '30'],
    ['A', 'SHORT', '10'],
  ]);
  expect(byAssetClass(exposures).map(([name]) => name)).toEqual(['', 'CRYPTO']);
});

test('a position without equity on one day leaves no mean and no peak', () => {
  const day = (at: number, gross: string, equity: string) => {
    return { day: at, gross: decimal(gross), equity: decimal(equity) };
  };
  const without = leverageOver([day(1, '0', '0'), day(2, '5', '10')]);
  expect(without).toMatchObject({ mean: { value: 0.25 }, peak: { value: 0.5 } });
  expect(dayText(without.peakDay ?? 0)).toBe('1970-01-03');
  expect(leverageOver([day(1, '5', '0')])).toMatchObject({ mean: { undefined: 'NO_CAPITAL' } });
});

test('is for the owner of the portfolio', async () => {
  const ask = await start('memory', mixed().story);
  const foreign = await ask(getPortfolioExposure, { portfolioId }, callOf(bob));
  expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
});
