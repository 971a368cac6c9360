import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  AssetClass,
  type CostBasisMethod,
} from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  RoundTripGrouping,
  TradingQueryService,
} from '../../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import type { StandingDocument } from '../../../../../src/trading/views/leaderboards/standings.ts';
import { windows } from '../../../../../src/trading/views/leaderboards/window-figures.ts';
import { openLeaderboardWorld } from '../../../../support/leaderboard-world.ts';
import { analyst, answered, callOf, uuid } from '../../../../support/query-bus.ts';
import { temporaryFolder } from '../../../../support/temporary.ts';
import { createStory, dayMs, dayNumber } from '../../../../support/trading-events.ts';

const { method } = TradingQueryService;
const root = temporaryFolder();

function random(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Measured = { readonly value?: number | undefined; readonly undefinedReason: string };

type World = ReturnType<typeof openLeaderboardWorld>;

/** Each figure is that of the queries of the one portfolio, which are computed another way. */
async function expectSame(world: World, portfolioId: string): Promise<void> {
  const standing = (await world.standingOf(portfolioId)) as unknown as StandingDocument;
  const to = dayText(standing.asOf);
  for (const days of windows) {
    const figures = standing.windows[days];
    if (figures === undefined) throw new Error(`no window of ${days} days`);
    const call = callOf(analyst);
    const asked = { portfolioId, from: dayText(standing.asOf - days), to };
    const performance = answered(await world.ask(method.getPortfolioPerformance, asked, call));
    const { from, to: end, gain, dailyReturns, annualisationFactor } = performance;
    const figure = (measure: Measured | undefined) =>
      measure?.value === undefined ? measure?.undefinedReason : closeTo(measure.value);
    const statistics = answered(
      await world.ask(
        method.getPortfolioTradeStatistics,
        {
          ...{ portfolioId, to, grouping: RoundTripGrouping.SALE },
          from: dayText(standing.asOf - days + 1),
        },
        call,
      ),
    ).statistics;
    expect({ portfolioId, days, to: end, ...figures, from: dayText(figures.from) }).toEqual({
      ...{ portfolioId, days, to, from, dailyReturns, annualisationFactor, profit: gain },
      timeWeightedReturn: figure(performance.timeWeightedReturn),
      maximumDrawdown: figure(performance.maximumDrawdown),
      sharpe: figure(performance.sharpe),
      closedTrades: Number(statistics?.closedTrades),
      winRate: figure(statistics?.winRate),
    });
  }
}

const closeTo = (value: number) =>
  expect.closeTo(value, 12 - Math.max(0, Math.ceil(Math.log10(Math.abs(value) + 1))));

const assets = [
  ['BTC-USD', AssetClass.CRYPTO],
  ['ETH-USD', AssetClass.CRYPTO],
  ['AAPL-USD', AssetClass.EQUITY],
  ['NONE-USD', AssetClass.EQUITY],
] as const;

/** Portfolios that trade now and then over a year, some of them with long pauses. */
function createMarket(seed: number) {
  const next = random(seed);
  const story = createStory();
  for (const [id, assetClass] of assets) story.instrument(id, { assetClass });
  const first = dayNumber('2023-03-01');
  let today = first;
  const prices = new Map<string, number>(assets.map(([id], at) => [id, 50 * (at + 1)]));
  const portfolios = Array.from({ length: 5 }, (_, index) => {
    const terms = { costBasisMethod: [1, 2, 3, 4][index % 4] as CostBasisMethod };
    const account = story.portfolio(uuid(index + 1), { ...terms, portfolioName: `P ${index}` });
    return { account, held: new Map<string, number>(), startsOn: first + index * 40, index };
  });
  const timeOf = (hour: number) => new Date(today * dayMs + hour * 3_600_000).toISOString();

  const trade = ({ account, held }: (typeof portfolios)[number]) => {
    const [id, assetClass] = assets[Math.floor(next() * assets.length)] ?? assets[0];
    const have = held.get(id) ?? 0;
    const price = String(Math.round((prices.get(id) ?? 1) * 100) / 100);
    const order = { price, assetClass, ...(next() < 0.3 && { fee: '0.5' }) };
    if (have > 0 && next() < 0.6) {
      const quantity = next() < 0.3 ? have : Math.ceil(have / 2);
      held.set(id, have - quantity);
      account.sell(id, timeOf(12), { ...order, quantity: String(quantity) });
    } else {
      const quantity = 1 + Math.floor(next() * 5);
      held.set(id, have + quantity);
      account.buy(id, timeOf(12), { ...order, quantity: String(quantity) });
    }
  };

  const candle = (id: string, isOpen: boolean) => {
    const before = prices.get(id) ?? 1;
    if (!isOpen) return;
    const price = Math.max(1, Math.round(before * (0.95 + next() * 0.1) * 100) / 100);
    prices.set(id, price);
    story.candles(id, [[timeOf(0), String(price)]]);
  };

  return {
    story,
    ids: portfolios.map(({ index }) => uuid(index + 1)),
    /** A day: activities, then the day's candles. */
    day: () => {
      today += 1;
      for (const portfolio of portfolios) {
        const { account, startsOn, index } = portfolio;
        if (today < startsOn) continue;
        if (today === startsOn) account.deposit('5000', timeOf(9));
        // The second one leaves everything as it is after a while, the third one pauses.
        const rests = (index === 1 && today > first + 80) || (index === 2 && today % 97 > 20);
        if (rests) continue;
        if (next() < 0.08) account.deposit('100', timeOf(10));
        if (next() < 0.08) account.withdraw('60', timeOf(11));
        if (next() < 0.25) trade(portfolio);
      }
      for (const [id, assetClass] of assets) {
        if (id === 'NONE-USD') continue;
        candle(id, assetClass === AssetClass.CRYPTO ? next() < 0.95 : today % 7 < 5);
      }
    },
    /** Hours later: prices alone. */
    tick: () => candle('BTC-USD', true),
  };
}

describe('standings', () => {
  test.each([1, 2])(
    'say what the queries of each portfolio say, as events come (%i)',
    async (seed) => {
      const market = createMarket(seed);
      await using world = openLeaderboardWorld(mkdtempSync(join(root, 's-')), market.story);
      await using _projector = world.startProjector();
      for (const days of [3, 60, 1, 1, 100, 1, 120, 1, 90]) {
        for (let i = 0; i < days; i += 1) market.day();
        await world.tell();
        for (const id of market.ids) {
          if ((await world.standingOf(id)) !== undefined) await expectSame(world, id);
        }
      }
    },
  );
});
