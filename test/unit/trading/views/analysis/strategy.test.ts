import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type GetStrategyPerformanceQuerySchema,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import { analysisReads, engines, type Story } from '../../../../support/analysis-read.ts';
import { fixtureRows } from '../../../../support/measures-rows.ts';
import { analyst, answered, bob, callOf, refused, uuid } from '../../../../support/query-bus.ts';
import { createStory, dayNumber } from '../../../../support/trading-events.ts';

const { getStrategyPerformance } = AnalysisQueryService.method;
const start = analysisReads();
const [strategyId, otherStrategy] = [uuid(50), uuid(51)];
const [portfolioId, otherPortfolio] = [uuid(1), uuid(2)];
const own = { strategyId };

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof GetStrategyPerformanceQuerySchema> = {}) =>
    answered(await ask(getStrategyPerformance, { strategyId, ...more })).performance;
}

/** A strategy, and a portfolio with much cash; a price of BTC for each day from 2024-01-01 on. */
function world(...prices: string[]) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles(
    'BTC-USD',
    prices.map((price, at) => [dayText(dayNumber('2024-01-01') + at), price] as const),
  );
  story.strategy(strategyId, 'Crosses');
  story.strategy(otherStrategy, 'Other');
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('100000', '2024-01-01T00:00:00Z');
  const at = (day: number) => `2024-01-0${day}T12:00:00Z`;
  const buy = (day: number, quantity: string, price: string, more: object = {}) =>
    portfolio.buy('BTC-USD', at(day), { quantity, price, ...more });
  const sell = (day: number, quantity: string, price: string, more: object = {}) =>
    portfolio.sell('BTC-USD', at(day), { quantity, price, ...more });
  return { story, portfolio, buy, sell };
}

describe.each(engines)('the performance of a strategy, in %s', (engine) => {
  test('is that of its own trades: purchases paid in, proceeds taken out', async () => {
    const { story, buy, sell } = world('100', '110', '121', '121');
    buy(1, '7', '90');
    buy(2, '1', '100', { ...own, fee: '10', feeCurrency: 'USD' });
    sell(3, '1', '132', own);
    const ask = await read(story, engine);
    expect(await ask()).toMatchObject([
      {
        ...{ currency: 'USD', from: '2024-01-02', to: '2024-01-04', portfolios: 1, trades: 2n },
        ...{ startValue: '0', endValue: '0', paidIn: '110', takenOut: '132', gain: '22' },
        accountMethod: 'OWN_TRADES_PURCHASES_PAID_IN_PROCEEDS_TAKEN_OUT',
        ...{ annualisationFactor: 365, annualisationBasis: 'ALL_CRYPTO' },
        // 110 paid in and worth 110 at the end of the day, 132 a day later, and then nothing.
        ...{ dailyReturns: 2, timeWeightedReturn: { value: expect.closeTo(0.2, 12) } },
        maximumDrawdown: { value: 0 },
      },
    ]);
  });

  test('of a period begins with what it held at the end of the day before', async () => {
    const { story, buy, sell } = world('100', '110', '121', '121', '130');
    buy(1, '2', '100', own);
    sell(4, '1', '120', own);
    const ask = await read(story, engine);
    expect(await ask({ from: '2024-01-03', to: '2024-01-04' })).toMatchObject([
      {
        ...{ from: '2024-01-03', to: '2024-01-04', trades: 1n, startValue: '220' },
        ...{ endValue: '121', paidIn: '0', takenOut: '120', gain: '21', dailyReturns: 2 },
        timeWeightedReturn: { value: expect.closeTo((1.1 * (121 + 120)) / 242 - 1, 12) },
      },
    ]);
  });

  test('by currency, over the portfolios of its user, and of one of them alone', async () => {
    const { story, buy } = world('100', '110');
    buy(1, '1', '100', own);
    story.instrument('BTC-EUR');
    const euros = story.portfolio(otherPortfolio, { baseCurrency: 'EUR' });
    euros.deposit('100', '2024-01-01T00:00:00Z');
    euros.buy('BTC-EUR', '2024-01-01T00:00:00Z', { quantity: '1', price: '50', strategyId });
    const third = story.portfolio(uuid(3));
    third.deposit('1000', '2024-01-01T00:00:00Z');
    third.buy('BTC-USD', '2024-01-01T00:00:00Z', { quantity: '3', price: '100', strategyId });
    // Under its id, but of another user.
    const foreign = story.portfolio(uuid(4), { userId: 'bob' });
    foreign.deposit('1000', '2024-01-01T00:00:00Z');
    foreign.buy('BTC-USD', '2024-01-01T00:00:00Z', { quantity: '5', price: '100', strategyId });
    const ask = await read(story, engine);
    expect(await ask()).toMatchObject([
      { currency: 'EUR', portfolios: 1, endValue: '50', pricedAt: '' },
      { currency: 'USD', portfolios: 2, endValue: '440', gain: '40', trades: 2n },
    ]);
    expect(await ask({ portfolioId })).toMatchObject([{ currency: 'USD', endValue: '110' }]);
    expect(await ask({ instrumentId: 'BTC-EUR' })).toMatchObject([{ currency: 'EUR' }]);
  });
});

test('a sale of units that it never bought gains nothing but loses its fee', async () => {
  const { story, buy, sell } = world('100', '200', '300');
  buy(1, '5', '100');
  buy(2, '1', '200', own);
  sell(3, '3', '300', { ...own, fee: '6', feeCurrency: 'USD' });
  const ask = await read(story);
  expect(await ask()).toMatchObject([
    { paidIn: '800', takenOut: '894', gain: '94', endValue: '0', trades: 2n },
  ]);
});

test('what others sell beyond what is theirs leaves it at their price', async () => {
  const { story, buy, sell } = world('100', '200', '300');
  buy(1, '1', '100');
  buy(1, '3', '100', own);
  sell(2, '2', '150');
  const ask = await read(story);
  expect(await ask()).toMatchObject([
    { paidIn: '300', takenOut: '150', endValue: '600', gain: '450', trades: 1n },
  ]);
});

test('two strategies give by what they hold; what one sells of its own is not the other’s', async () => {
  const { story, buy, sell } = world('100', '200', '300');
  const other = { strategyId: otherStrategy };
  buy(1, '3', '100', own);
  buy(1, '1', '100', other);
  sell(2, '0.5', '150', other);
  sell(2, '1', '150');
  const ask = await start('memory', story);
  const of = async (id: string) =>
    answered(await ask(getStrategyPerformance, { strategyId: id })).performance[0];
  const [first, second] = [await of(strategyId), await of(otherStrategy)];
  // 3.5 less 1: six sevenths of it.
  expect(Number(first?.endValue)).toBeCloseTo((3 - 6 / 7) * 300, 12);
  expect(Number(second?.endValue)).toBeCloseTo((0.5 - 1 / 7) * 300, 12);
  expect(Number(second?.takenOut)).toBeCloseTo(75 + 150 / 7, 12);
});

test('a fee in the asset is held no more', async () => {
  const { story, buy } = world('100', '200');
  buy(1, '1', '100', { ...own, fee: '0.1', feeCurrency: 'BTC' });
  const ask = await read(story);
  expect(await ask()).toMatchObject([{ paidIn: '100', endValue: '180', gain: '80' }]);
});

test('without trades there is nothing; with one day alone most measures have a reason', async () => {
  const { story, buy } = world('100');
  const nothing = await read(story);
  expect(await nothing()).toEqual([]);
  buy(1, '1', '100', own);
  const ask = await read(story);
  expect(await ask()).toMatchObject([
    {
      ...{ dailyReturns: 1, timeWeightedReturn: { value: 0 } },
      sharpe: { undefinedReason: 'SINGLE_RETURN' },
      moneyWeightedReturn: { undefinedReason: expect.stringMatching(/./) },
    },
  ]);
});

test('is for the owner of the strategy and for analysts', async () => {
  const { story, buy } = world('100');
  buy(1, '1', '100', own);
  const ask = await start('memory', story);
  const query = { strategyId };
  expect(refused(await ask(getStrategyPerformance, query, callOf(bob)))).toMatchObject({
    code: 'STRATEGY_NOT_FOUND',
  });
  const seen = answered(await ask(getStrategyPerformance, query, callOf(analyst)));
  expect(seen.performance).toHaveLength(1);
  const wrong = { ...query, from: '2024-02-01', to: '2024-01-01' };
  expect(refused(await ask(getStrategyPerformance, wrong))).toMatchObject({
    code: 'PERIOD_INVALID',
  });
});

type Row = {
  readonly name: string;
  readonly start: string;
  readonly firstDay: number;
  readonly prices: { readonly [instrumentId: string]: readonly string[] };
  readonly trades: readonly (readonly [
    instrumentId: string,
    day: number,
    side: 'BUY' | 'SELL',
    quantity: string,
    price: string,
    fee: string,
  ])[];
  readonly gain: number;
  readonly paidIn: number;
  readonly takenOut: number;
  readonly returns: number;
  readonly moneyWeightedReturn: number;
  readonly measures: { readonly [name: string]: number | null };
};

const rows = fixtureRows<Row>('strategy');

test('the fixture has strategies', () => {
  expect(rows).toHaveLength(6);
});

describe.each(rows)('against independent implementations: $name', (row) => {
  const day = (at: number) => dayText(dayNumber(row.start) + at);

  function told() {
    const story = createStory();
    story.strategy(strategyId, 'Crosses');
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('10000000', `${row.start}T00:00:00Z`);
    for (const [instrumentId, prices] of Object.entries(row.prices)) {
      story.instrument(instrumentId);
      const closes = prices.map((price, at) => [day(at), price] as const);
      story.candles(instrumentId, closes);
      // Those of no strategy must not matter.
      const order = { quantity: '500', price: prices[0] ?? '' };
      portfolio.buy(instrumentId, `${row.start}T01:00:00Z`, order);
    }
    for (const [instrumentId, at, side, quantity, price, fee] of row.trades) {
      const order = { quantity, price, fee, strategyId };
      portfolio[side === 'BUY' ? 'buy' : 'sell'](instrumentId, `${day(at)}T12:00:00Z`, order);
    }
    return story;
  }

  test('all figures agree', async () => {
    const ask = await read(told());
    const [answer] = await ask({ annualisationFactor: 365 });
    expect(answer).toMatchObject({ from: day(row.firstDay), dailyReturns: row.returns });
    const found = answer as unknown as { readonly [name: string]: { readonly value?: number } };
    const expected = { ...row.measures, moneyWeightedReturn: row.moneyWeightedReturn };
    expect(Object.keys(expected)).toHaveLength(10);
    for (const [name, figure] of Object.entries(expected)) {
      const value = found[name]?.value ?? null;
      const isClose =
        value !== null && figure !== null && Math.abs(value - figure) <= 1e-9 * Math.abs(figure);
      if (!isClose) expect([name, value]).toEqual([name, figure]);
    }
    const amounts = [answer?.gain, answer?.paidIn, answer?.takenOut].map(Number);
    expect(amounts).toEqual(
      [row.gain, row.paidIn, row.takenOut].map((amount) => expect.closeTo(amount, 8)),
    );
  });
});
