import { afterEach, describe, expect, test } from '@jest/globals';
import {
  CostBasisMethod,
  type CostBasisMethod as Method,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  RoundTripGrouping,
  TradeStreakKind,
  TradingQueryService,
} from '../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { analyst, answered, bob, callOf, refused, uuid } from '../../../support/query-bus.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { createStory } from '../../../support/trading-events.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = TradingQueryService;
const folder = temporaryFolder();
const [portfolioId, otherPortfolio, strategyId] = [uuid(1), uuid(2), uuid(50)];
const stop: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of stop.splice(0)) await end();
});

async function read({ events }: ReturnType<typeof createStory>) {
  const bus = await startTradingRead(folder, events);
  stop.push(() => bus[Symbol.asyncDispose]());
  const ofPortfolio = async (more: object = {}) => {
    const answer = await bus.ask(method.getPortfolioTradeStatistics, { portfolioId, ...more });
    return answered(answer).statistics;
  };
  const ofStrategy = async (more: object = {}) => {
    const answer = await bus.ask(method.getStrategyTradeStatistics, { strategyId, ...more });
    return answered(answer).statistics;
  };
  return { ...bus, ofPortfolio, ofStrategy };
}

/** Two lots of 1, sold together; a lot bought and sold at the same price; one lost, with fees. */
function fourTrades(costBasisMethod: Method = CostBasisMethod.FIFO) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('ETH-USD');
  story.strategy(strategyId, 'Crosses');
  const portfolio = story.portfolio(portfolioId, { costBasisMethod });
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2024-01-01T00:00:00Z', { quantity: '1', price: '100' });
  portfolio.buy('BTC-USD', '2024-01-02T00:00:00Z', { quantity: '1', price: '130' });
  const own = { strategyId };
  portfolio.sell('BTC-USD', '2024-01-03T00:00:00Z', { quantity: '2', price: '120', ...own });
  portfolio.buy('ETH-USD', '2024-01-04T00:00:00Z', { quantity: '3', price: '10', ...own });
  portfolio.sell('ETH-USD', '2024-01-05T00:00:00Z', { quantity: '1', price: '10', ...own });
  const fee = { fee: '2', feeCurrency: 'USD' };
  portfolio.sell('ETH-USD', '2024-01-06T12:00:00Z', { quantity: '1', price: '9', ...fee });
  return { story, portfolio };
}

describe('trade statistics of a portfolio', () => {
  test('each lot that a sale takes from is a closed trade', async () => {
    const { ofPortfolio } = await read(fourTrades().story);
    expect(await ofPortfolio()).toMatchObject({
      ...{ currency: 'USD', groupingMethod: 'LOT_TO_SALE', costBasisMethod: CostBasisMethod.FIFO },
      ...{ closedTrades: 4n, wins: 1n, losses: 2n, draws: 1n },
      ...{ grossProfit: '20', grossLoss: '-13', netGain: '7' },
      ...{ largestWin: '20', largestLoss: '-10' },
      winRate: { value: 0.25, method: 'WINS_OVER_CLOSED_TRADES', undefinedReason: '' },
      profitFactor: { value: 20 / 13 },
      expectancy: { value: 7 / 4 },
      averageWin: { value: 20 },
      averageLoss: { value: -6.5 },
      payoffRatio: { value: 20 / 6.5 },
      meanReturn: { value: expect.closeTo((0.2 - 10 / 130 + 0 - 0.3) / 4, 12) },
      meanHolding: { value: (2 + 1 + 1 + 2.5) * 21_600 },
      medianHolding: { value: 1.5 * 86_400 },
      shortestHolding: { value: 86_400 },
      longestHolding: { value: 2.5 * 86_400 },
      meanHoldingOfWins: { value: 2 * 86_400 },
      meanHoldingOfLosses: { value: 1.75 * 86_400 },
      longestWinning: { kind: TradeStreakKind.WIN, length: 1, gain: '20' },
      longestLosing: { kind: TradeStreakKind.LOSS, length: 1, gain: '-10' },
      latest: { kind: TradeStreakKind.LOSS, length: 1, gain: '-3' },
    });
  });

  test('or the whole sale is, held for the mean of its lots', async () => {
    const { ofPortfolio } = await read(fourTrades().story);
    expect(await ofPortfolio({ grouping: RoundTripGrouping.SALE })).toMatchObject({
      ...{ groupingMethod: 'WHOLE_SALE', closedTrades: 3n, wins: 1n, losses: 1n, draws: 1n },
      ...{ grossProfit: '10', grossLoss: '-3', netGain: '7' },
      meanHoldingOfWins: { value: 1.5 * 86_400 },
    });
  });

  test('the cost basis method of the portfolio finds the lots', async () => {
    const { story, portfolio } = fourTrades(CostBasisMethod.AVERAGE);
    portfolio.buy('BTC-USD', '2024-01-07T00:00:00Z', { quantity: '1', price: '10' });
    portfolio.buy('BTC-USD', '2024-01-08T00:00:00Z', { quantity: '1', price: '20' });
    portfolio.sell('BTC-USD', '2024-01-09T00:00:00Z', { quantity: '1', price: '21' });
    const { ofPortfolio } = await read(story);
    expect(await ofPortfolio({ instrumentId: 'BTC-USD' })).toMatchObject({
      ...{ closedTrades: 2n, netGain: '16', largestWin: '10' },
      // The pool was begun with its first purchase.
      longestHolding: { value: 2 * 86_400 },
    });
  });

  test('of a period, of an instrument and of a strategy', async () => {
    const { ofPortfolio } = await read(fourTrades().story);
    expect(await ofPortfolio({ from: '2024-01-04' })).toMatchObject({ closedTrades: 2n });
    expect(await ofPortfolio({ from: '2024-01-05', to: '2024-01-05' })).toMatchObject({
      ...{ closedTrades: 1n, draws: 1n },
    });
    expect(await ofPortfolio({ instrumentId: 'ETH-USD' })).toMatchObject({ netGain: '-3' });
    expect(await ofPortfolio({ strategyId })).toMatchObject({ closedTrades: 3n, netGain: '10' });
  });

  test('without closed trades every measure is undefined, and says why', async () => {
    const story = createStory();
    story.portfolio(portfolioId);
    const { ofPortfolio } = await read(story);
    const found = (await ofPortfolio()) ?? {};
    const measures = Object.values(found).filter(
      (value) => value !== null && typeof value === 'object' && 'undefinedReason' in value,
    );
    expect(measures).toHaveLength(13);
    for (const measure of measures) {
      expect(measure).toEqual({
        $typeName: 'cipherhorizon.trading.v1.Measure',
        method: expect.stringMatching(/^[A-Z_]+$/),
        undefinedReason: 'NO_TRADES',
      });
    }
    expect(found).toMatchObject({ closedTrades: 0n, netGain: '0' });
    for (const absent of ['largestWin', 'largestLoss', 'longestWinning', 'latest']) {
      expect(found).not.toHaveProperty(absent);
    }
  });

  test('without losses there is no profit factor; without wins no mean of them', async () => {
    const { ofPortfolio } = await read(fourTrades().story);
    const won = await ofPortfolio({ to: '2024-01-03', grouping: RoundTripGrouping.SALE });
    expect([won?.profitFactor, won?.payoffRatio, won?.averageLoss]).toMatchObject(
      Array(3).fill({ undefinedReason: 'NO_LOSSES' }),
    );
    const lost = await ofPortfolio({ from: '2024-01-06' });
    expect(lost?.profitFactor).toMatchObject({ value: 0 });
    expect(lost?.payoffRatio).toMatchObject({ undefinedReason: 'NO_WINS' });
  });

  test('is for its owner and for analysts; refuses a period that ends before it begins', async () => {
    const { ask } = await read(fourTrades().story);
    const query = { portfolioId };
    const foreign = await ask(method.getPortfolioTradeStatistics, query, callOf(bob));
    expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
    const seen = await ask(method.getPortfolioTradeStatistics, query, callOf(analyst));
    expect(answered(seen).statistics).toMatchObject({ closedTrades: 4n });
    const days = { from: '2024-02-01', to: '2024-01-01' };
    const wrong = await ask(method.getPortfolioTradeStatistics, { ...query, ...days });
    expect(refused(wrong)).toMatchObject({ code: 'PERIOD_INVALID' });
  });
});

describe('trade statistics of a strategy', () => {
  test('over the portfolios of its user, by currency', async () => {
    const { story } = fourTrades();
    story.instrument('BTC-EUR');
    const other = story.portfolio(otherPortfolio, { baseCurrency: 'EUR' });
    other.deposit('100', '2024-01-01T00:00:00Z');
    other.buy('BTC-EUR', '2024-01-01T00:00:00Z', { quantity: '1', price: '50' });
    other.sell('BTC-EUR', '2024-01-02T00:00:00Z', { quantity: '1', price: '40', strategyId });
    const { ofStrategy } = await read(story);
    expect(await ofStrategy()).toMatchObject([
      { currency: 'EUR', closedTrades: 1n, netGain: '-10' },
      { currency: 'USD', closedTrades: 3n, netGain: '10' },
    ]);
    expect(await ofStrategy({ portfolioId })).toMatchObject([{ currency: 'USD' }]);
    expect(await ofStrategy({ instrumentId: 'ETH-USD' })).toMatchObject([{ closedTrades: 1n }]);
  });

  test('does not count the trades of others under its id', async () => {
    const { story } = fourTrades();
    const foreign = story.portfolio(otherPortfolio, { userId: 'bob' });
    foreign.deposit('100', '2024-01-01T00:00:00Z');
    foreign.buy('ETH-USD', '2024-01-01T00:00:00Z', { quantity: '1', price: '50' });
    foreign.sell('ETH-USD', '2024-01-02T00:00:00Z', { quantity: '1', price: '40', strategyId });
    const { ofStrategy } = await read(story);
    expect(await ofStrategy()).toMatchObject([{ closedTrades: 3n }]);
  });
});
