import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PortfolioUpdatedSchema } from '../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  CostBasisMethod,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  PortfolioSort,
  TradingQueryService,
} from '../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import {
  FundsReservedSchema,
  ReservationReleasedSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { portfolioDays } from '../../../../src/trading/views/portfolios/portfolio-days.ts';
import { portfolios } from '../../../../src/trading/views/portfolios/portfolios.ts';
import {
  type PositionDocument,
  positions,
  realisedBy,
} from '../../../../src/trading/views/portfolios/positions.ts';
import { trades } from '../../../../src/trading/views/trades/trades.ts';
import { project } from '../../../support/project.ts';
import {
  alice,
  analyst,
  answered,
  bob,
  callOf,
  refused,
  uuid,
} from '../../../support/query-bus.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { createStory, dayNumber } from '../../../support/trading-events.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = TradingQueryService;
const folder = temporaryFolder();
const [savings, other, strategyId] = [uuid(1), uuid(2), uuid(900)];
const at = (time: string) => timestampFromMs(Date.parse(time));
const stop: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of stop.splice(0)) await end();
});

async function read(story: ReturnType<typeof createStory>) {
  const bus = await startTradingRead(folder, story.events);
  stop.push(() => bus[Symbol.asyncDispose]());
  return bus;
}

/** Two purchases and a sale out of the first, with fees. */
function trading(costBasisMethod: CostBasisMethod = CostBasisMethod.FIFO) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('ETH-USD');
  const portfolio = story.portfolio(savings, { costBasisMethod });
  portfolio.deposit('10000', '2020-01-01T01:00:00Z');
  portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '2', price: '100', fee: '10' });
  portfolio.buy('BTC-USD', '2020-01-02T02:00:00Z', { quantity: '1', price: '300', strategyId });
  const sale = { quantity: '1', price: '250', fee: '5', strategyId };
  portfolio.sell('BTC-USD', '2020-01-02T03:00:00Z', sale);
  return { story, portfolio };
}

describe('documents', () => {
  test('a portfolio has its terms and sums', () => {
    const { story, portfolio } = trading();
    portfolio.withdraw('0.5', '2020-01-03T01:00:00Z');
    story.append(
      `portfolio-${savings}`,
      create(PortfolioUpdatedSchema, {
        ...{ portfolioId: savings, portfolioName: 'Renamed' },
        targetWeights: [{ instrumentId: 'BTC-USD', weight: '0.5' }],
      }),
    );
    expect([...project(portfolios, story.events)]).toEqual([
      [
        savings,
        {
          ...{ userId: 'alice', name: 'Renamed', baseCurrency: 'USD', costBasisMethod: 'FIFO' },
          ...{ cash: '9734.5', deposited: '10000', withdrawn: '0.5', fees: '15' },
          targetWeights: [['BTC-USD', '0.5']],
          reserved: [],
          openedAt: Date.parse('2016-01-01'),
          activities: 5,
          firstActivityAt: Date.parse('2020-01-01T01:00:00Z'),
          lastActivityAt: Date.parse('2020-01-03T01:00:00Z'),
          revision: 6,
        },
      ],
    ]);
  });

  test('a fee in the base asset counts at the price of its trade', () => {
    const { story, portfolio } = trading();
    const order = { quantity: '1', price: '300', fee: '0.1', feeCurrency: 'BTC' };
    portfolio.buy('BTC-USD', '2020-01-04', order);
    expect(project(portfolios, story.events).get(savings)).toMatchObject({ fees: '45' });
    expect(project(positions, story.events).get(`${savings}/BTC-USD`)).toMatchObject({
      quantity: '2.9',
      // 0.9 received for 300, beside 1 for 105 and 1 for 300.
      cost: '705',
    });
  });

  test('a position has its lots, and what each sale and each strategy realised', () => {
    const { story } = trading();
    const time = (text: string) => String(Date.parse(text)).padStart(15, '0');
    expect([...project(positions, story.events)]).toEqual([
      [
        `${savings}/BTC-USD`,
        {
          ...{ portfolioId: savings, userId: 'alice', instrumentId: 'BTC-USD' },
          ...{ quoteCurrency: 'USD', method: 'FIFO' },
          ...{ quantity: '2', cost: '405', realised: '140' },
          lots: [
            [
              `2 ${time('2020-01-01T02:00:00Z')} 2 210 1`,
              `3 ${time('2020-01-02T02:00:00Z')} 1 300`,
            ],
          ],
          sales: [['4 140']],
          closings: [[dayNumber('2020-01-02'), 1, 1]],
          strategyIds: [strategyId],
          strategies: {
            [strategyId]: {
              ...{ trades: 2, bought: '300', sold: '250', fees: '5', realised: '140' },
              ...{ wins: 1, losses: 0, draws: 0 },
            },
          },
        },
      ],
    ]);
  });

  test.each([
    ['FIFO', CostBasisMethod.FIFO, '140'],
    ['LIFO', CostBasisMethod.LIFO, '-55'],
    ['HIFO', CostBasisMethod.HIFO, '-55'],
    ['AVERAGE', CostBasisMethod.AVERAGE, '75'],
  ])('the method is that of the portfolio: %s', (name, costBasisMethod, realised) => {
    const { story } = trading(costBasisMethod);
    const position = project(positions, story.events).get(`${savings}/BTC-USD`);
    expect(position).toMatchObject({ method: name, realised, sales: [[`4 ${realised}`]] });
  });

  test('gains, losses and draws of a strategy are told apart', () => {
    const { story, portfolio } = trading();
    const sell = (price: string, quantity: string, minute: string) =>
      portfolio.sell('BTC-USD', `2020-02-01T00:${minute}:00Z`, { quantity, price, strategyId });
    sell('105', '0.5', '01');
    sell('100', '0.5', '02');
    sell('301', '0.5', '03');
    const position = project(positions, story.events).get(`${savings}/BTC-USD`);
    expect(position?.strategies).toMatchObject({
      [strategyId]: { trades: 5, realised: '138', wins: 2, losses: 1, draws: 1 },
    });
    expect(position?.sales).toEqual([['4 140', '5 0', '6 -2.5', '7 0.5']]);
  });

  test('a fee that takes all that was bought, or more, is a loss and leaves no lot', () => {
    const { story, portfolio } = trading();
    const buy = (fee: string, time: string) =>
      portfolio.buy('BTC-USD', time, { quantity: '1', price: '50', fee, feeCurrency: 'BTC' });
    const position = () => project(positions, story.events).get(`${savings}/BTC-USD`);
    buy('1', '2020-02-01T01:00:00Z');
    expect(position()).toMatchObject({ quantity: '2', cost: '405', realised: '90' });
    buy('1.5', '2020-02-01T02:00:00Z');
    // Half a unit of the lot at 105 each.
    expect(position()).toMatchObject({ quantity: '1.5', cost: '352.5', realised: '-12.5' });
    expect(position()?.sales).toEqual([['4 140']]);
  });

  test('amounts of more digits than are kept are rounded, and stop nothing', () => {
    const story = createStory();
    const portfolio = story.portfolio(savings);
    const amount = '99999999999999999999.999999999999999999';
    for (let i = 0; i < 101; i += 1) {
      portfolio.deposit(amount, '2020-01-01');
      portfolio.withdraw(amount, '2020-01-01');
    }
    expect(project(portfolios, story.events).get(savings)).toMatchObject({
      deposited: '10099999999999999999999.999999999999999899',
      cash: '0',
    });
    portfolio.deposit('1000000000000000000000000', '2020-01-01');
    portfolio.deposit(`0.${'5'.repeat(36)}`, '2020-01-01');
    expect(project(portfolios, story.events).get(savings)?.deposited).toBe(
      '1010100000000000000000000.55555555555555545455555555555555556',
    );
    portfolio.deposit('1999999999999999999999', '2020-01-02');
    const price = '99999999999999999999';
    for (const quantity of ['3', '7']) {
      portfolio.buy('BTC-USD', '2020-01-02', { quantity, price, fee: '1' });
      portfolio.sell('BTC-USD', '2020-01-02', { quantity: '0.000000000000000001', price: '1' });
    }
    const position = project(positions, story.events).get(`${savings}/BTC-USD`);
    expect(String(position?.cost).replace('.', '').length).toBeLessThanOrEqual(60);
  });

  test('a day has its end and its flows; a document those of a month', () => {
    const { story, portfolio } = trading();
    portfolio.withdraw('40', '2020-01-02T23:59:59.999Z');
    portfolio.withdraw('2.5', '2020-01-02T23:59:59.999Z');
    portfolio.deposit('1', '2020-02-01T00:00:00Z');
    portfolio.deposit('0.5', '2020-02-01T00:00:00Z');
    const documents = project(portfolioDays, story.events);
    expect(documents.get(`${savings}/2020-02`)?.days).toMatchObject([{ deposits: '1.5' }]);
    expect([...documents.keys()]).toEqual([`${savings}/2020-01`, `${savings}/2020-02`]);
    expect(documents.get(`${savings}/2020-01`)).toEqual({
      portfolioId: savings,
      month: dayNumber('2020-01-01'),
      days: [
        {
          ...{ day: dayNumber('2020-01-01'), cash: '9790', deposits: '10000', withdrawals: '0' },
          traded: { 'BTC-USD': ['2', '100'] },
        },
        {
          ...{ day: dayNumber('2020-01-02'), cash: '9692.5', deposits: '0', withdrawals: '42.5' },
          traded: { 'BTC-USD': ['2', '250'] },
        },
      ],
    });
  });

  test('two portfolios may have a trade of the same id', () => {
    const { story } = trading();
    const first = project(trades, story.events);
    const moved = story.events.map((event) =>
      'tradeId' in event.message
        ? { ...event, message: { ...event.message, portfolioId: other } }
        : event,
    );
    expect(project(trades, moved, first).size).toBe(6);
  });
});

test('a sale that its position does not know of has no gain', () => {
  const { story } = trading();
  const document = project(positions, story.events).get(`${savings}/BTC-USD`);
  const gains = [2, 3, 4, 5].map((revision) =>
    realisedBy(document as unknown as PositionDocument, revision),
  );
  expect(gains).toEqual([undefined, undefined, '140', undefined]);
});

describe('a portfolio', () => {
  test('has what it holds at the last recorded prices', async () => {
    const { story, portfolio } = trading();
    story.candles('BTC-USD', [['2020-01-03', '400']]);
    portfolio.buy('ETH-USD', '2020-01-04T00:00:00Z', { quantity: '3', price: '10' });
    portfolio.sell('ETH-USD', '2020-01-04T01:00:00Z', { quantity: '3', price: '9' });
    const { ask } = await read(story);
    const { portfolio: found } = answered(await ask(method.getPortfolio, { portfolioId: savings }));
    expect(found).toMatchObject({
      ...{ portfolioId: savings, userId: 'alice', portfolioName: 'Savings', baseCurrency: 'USD' },
      costBasisMethod: CostBasisMethod.FIFO,
      // ETH is sold, and has no price: only its loss is left.
      ...{ cash: '9732', realisedGain: '137', unrealisedGain: '395', totalValue: '10532' },
      ...{ deposited: '10000', withdrawn: '0', fees: '15', activities: 6n, revision: 6n },
      openedAt: at('2016-01-01'),
      lastActivityAt: at('2020-01-04T01:00:00Z'),
      positions: [
        {
          ...{ instrumentId: 'BTC-USD', quantity: '2', cost: '405', averageCost: '202.5' },
          ...{ realisedGain: '140', openLots: 2, price: '400', priceAt: at('2020-01-04') },
          ...{ marketValue: '800', unrealisedGain: '395' },
        },
      ],
    });
  });

  test('has no value while one of its positions has no price', async () => {
    const { story, portfolio } = trading();
    story.candles('BTC-USD', [['2020-01-03', '400']]);
    portfolio.buy('ETH-USD', '2020-01-04T00:00:00Z', { quantity: '3', price: '10' });
    const { ask } = await read(story);
    const answer = answered(await ask(method.getPortfolio, { portfolioId: savings }));
    expect(answer.portfolio?.unrealisedGain).toBeUndefined();
    expect(answer.portfolio?.totalValue).toBeUndefined();
    const [first, second] = answer.portfolio?.positions ?? [];
    expect(first).toMatchObject({ instrumentId: 'BTC-USD', marketValue: '800' });
    expect(second).toMatchObject({ instrumentId: 'ETH-USD', cost: '30' });
    expect(second?.price).toBeUndefined();
    expect(second?.marketValue).toBeUndefined();
  });

  test('has all that it holds, however many instruments', async () => {
    const story = createStory();
    const portfolio = story.portfolio(savings);
    portfolio.deposit('1000', '2020-01-01');
    for (let n = 0; n < 501; n += 1) {
      story.instrument(`C${n}-USD`);
      story.candles(`C${n}-USD`, [['2020-01-02', '2']]);
      portfolio.buy(`C${n}-USD`, '2020-01-02', { quantity: '1', price: '1' });
    }
    const { ask } = await read(story);
    const answer = answered(await ask(method.getPortfolio, { portfolioId: savings }));
    expect(answer.portfolio?.positions).toHaveLength(501);
    expect(answer.portfolio).toMatchObject({ unrealisedGain: '501', totalValue: '1501' });
  });

  test('has what is put aside for signals, and what is free', async () => {
    const { story } = trading();
    const stream = `portfolio-${savings}`;
    const [purchase, sale] = [uuid(801), uuid(802)];
    const reserve = (signalId: string, cash: string, units: string) =>
      story.append(
        stream,
        create(FundsReservedSchema, {
          ...{ portfolioId: savings, signalId, instrumentId: 'BTC-USD', cash, units },
        }),
      );
    const shown = async () => {
      const { ask } = await read(story);
      const answer = answered(await ask(method.getPortfolio, { portfolioId: savings }));
      const { cash, reservedCash, freeCash, positions: held, revision } = answer.portfolio ?? {};
      return { cash, reservedCash, freeCash, units: held?.[0]?.reservedQuantity, revision };
    };
    expect(await shown()).toEqual({
      ...{ cash: '9735', reservedCash: '0', freeCash: '9735', units: '0', revision: 4n },
    });
    reserve(purchase, '1000.5', '0');
    reserve(sale, '0', '0.25');
    reserve(uuid(803), '0', '0.5');
    expect(await shown()).toEqual({
      ...{ cash: '9735', reservedCash: '1000.5', freeCash: '8734.5', units: '0.75', revision: 7n },
    });
    const released = { portfolioId: savings, instrumentId: 'BTC-USD' };
    for (const signalId of [purchase, sale, uuid(804)]) {
      story.append(stream, create(ReservationReleasedSchema, { ...released, signalId }));
    }
    expect(await shown()).toEqual({
      ...{ cash: '9735', reservedCash: '0', freeCash: '9735', units: '0.5', revision: 10n },
    });
  });

  test('of cash alone is worth its cash', async () => {
    const story = createStory();
    story.portfolio(savings).deposit('12.50', '2020-01-01');
    const { ask } = await read(story);
    expect(answered(await ask(method.getPortfolio, { portfolioId: savings }))).toMatchObject({
      portfolio: { totalValue: '12.5', unrealisedGain: '0', realisedGain: '0', positions: [] },
    });
  });

  test('is not there for others, but for analysts', async () => {
    const { ask } = await read(trading().story);
    const query = { portfolioId: savings };
    for (const one of [method.getPortfolio, method.listTrades]) {
      const refusal = refused(await ask(one, query, callOf(bob)));
      const missing = refused(await ask(one, { portfolioId: other }, callOf(alice)));
      expect(refusal).toEqual({ ...missing, message: missing.message.replace(other, savings) });
      expect(refusal).toMatchObject({
        ...{ kind: 'NOT_FOUND', code: 'PORTFOLIO_NOT_FOUND' },
        message: `there is no portfolio '${savings}'`,
      });
      answered(await ask(one, query, callOf(analyst)));
    }
  });

  test('is told to who watches it', async () => {
    const { watch } = await read(trading().story);
    const call = new AbortController();
    const query = { portfolioId: savings };
    const answers = watch(method.watchPortfolio, query, callOf(alice, {}, { signal: call.signal }));
    const { value } = await answers.next();
    expect(value).toMatchObject({ portfolio: { portfolioId: savings, cash: '9735' } });
    call.abort();
    await answers.return?.();
  });
});

describe('the portfolios of a user', () => {
  function several() {
    const story = createStory();
    const open = (n: number, portfolioName: string, more: object = {}) =>
      story.portfolio(uuid(n), {
        portfolioName,
        openedAt: at(`2020-01-0${n}`),
        ...more,
      });
    open(1, 'beta').deposit('9', '2020-03-01');
    open(2, 'Alpha', { baseCurrency: 'EUR' }).deposit('100', '2020-02-01');
    open(3, 'gamma').deposit('20', '2020-02-02');
    open(4, 'hidden', { userId: 'bob' });
    return story;
  }

  test('are listed by time, name, cash and last activity, one currency or all', async () => {
    const { ask } = await read(several());
    const names = async (more: object) => {
      const answer = answered(await ask(method.listPortfolios, { userId: 'alice', ...more }));
      return answer.portfolios.map(({ portfolioName }) => portfolioName);
    };
    expect(await names({})).toEqual(['beta', 'Alpha', 'gamma']);
    expect(await names({ descending: true })).toEqual(['gamma', 'Alpha', 'beta']);
    expect(await names({ sort: PortfolioSort.NAME })).toEqual(['Alpha', 'beta', 'gamma']);
    expect(await names({ sort: PortfolioSort.CASH })).toEqual(['beta', 'gamma', 'Alpha']);
    const active = { sort: PortfolioSort.LAST_ACTIVITY_AT, descending: true };
    expect(await names(active)).toEqual(['beta', 'gamma', 'Alpha']);
    expect(await names({ baseCurrency: 'EUR' })).toEqual(['Alpha']);
  });

  test('come in pages, each with what it holds', async () => {
    const { story } = trading();
    story.portfolio(other, { openedAt: at('2020-05-01') }).deposit('1', '2020-05-02');
    const { ask } = await read(story);
    const query = { userId: 'alice', page: { pageSize: 1 } };
    const first = answered(await ask(method.listPortfolios, query));
    expect(first.portfolios).toMatchObject([
      { portfolioId: savings, positions: [{ cost: '405' }] },
    ]);
    const cursor = first.page?.nextCursor ?? '';
    const page = { pageSize: 1, cursor };
    const second = answered(await ask(method.listPortfolios, { ...query, page }));
    expect(second.portfolios).toMatchObject([{ portfolioId: other, positions: [] }]);
    expect(second.page?.nextCursor).toBe('');
  });

  test('are not for others', async () => {
    const { ask } = await read(several());
    const outcome = refused(await ask(method.listPortfolios, { userId: 'alice' }, callOf(bob)));
    expect(outcome.kind).toBe('FORBIDDEN');
  });
});

describe('trades', () => {
  test('are listed as they were recorded, sales with what they realised', async () => {
    const { story } = trading();
    const { ask } = await read(story);
    const answer = answered(await ask(method.listTrades, { portfolioId: savings }));
    expect(answer.trades).toMatchObject([
      {
        ...{ portfolioId: savings, instrumentId: 'BTC-USD', side: TradeSide.BUY, quantity: '2' },
        ...{ price: '100', fee: '10', feeCurrency: 'USD', cashChange: '-210', strategyId: '' },
        executedAt: at('2020-01-01T02:00:00Z'),
      },
      { side: TradeSide.BUY, cashChange: '-300', strategyId },
      { side: TradeSide.SELL, quantity: '1', cashChange: '245', realisedGain: '140', strategyId },
    ]);
    expect(answer.trades.map(({ realisedGain }) => realisedGain)).toEqual([
      undefined,
      undefined,
      '140',
    ]);
    const ids = story.events.flatMap(({ message }) =>
      'tradeId' in message ? [message.tradeId] : [],
    );
    expect(answer.trades.map(({ tradeId }) => tradeId)).toEqual(ids);
  });

  test('of one instrument, side, strategy or time', async () => {
    const { story, portfolio } = trading();
    portfolio.buy('ETH-USD', '2020-02-01T00:00:00Z', { quantity: '5', price: '10' });
    portfolio.sell('ETH-USD', '2020-02-02T00:00:00Z', { quantity: '5', price: '11' });
    story.portfolio(other).buy('BTC-USD', '2020-02-02', { quantity: '1', price: '1' });
    const { ask } = await read(story);
    const quantities = async (more: object) => {
      const query = { portfolioId: savings, ...more };
      return answered(await ask(method.listTrades, query)).trades.map(({ quantity }) => quantity);
    };
    expect(await quantities({})).toEqual(['2', '1', '1', '5', '5']);
    expect(await quantities({ descending: true })).toEqual(['5', '5', '1', '1', '2']);
    expect(await quantities({ instrumentId: 'BTC-USD' })).toEqual(['2', '1', '1']);
    expect(await quantities({ side: TradeSide.SELL })).toEqual(['1', '5']);
    expect(await quantities({ strategyId })).toEqual(['1', '1']);
    expect(await quantities({ strategyId, side: TradeSide.BUY })).toEqual(['1']);
    const executedFrom = at('2020-01-02T03:00:00Z');
    const executedUntil = at('2020-02-02T00:00:00Z');
    expect(await quantities({ executedFrom })).toEqual(['1', '5', '5']);
    expect(await quantities({ executedUntil })).toEqual(['2', '1', '1', '5']);
    expect(await quantities({ executedFrom, executedUntil })).toEqual(['1', '5']);
    const backwards = {
      portfolioId: savings,
      executedFrom: executedUntil,
      executedUntil: executedFrom,
    };
    expect(refused(await ask(method.listTrades, backwards))).toMatchObject({
      ...{ kind: 'INVALID', code: 'PERIOD_INVALID' },
      message:
        'executed_from is 2020-02-02T00:00:00.000Z, after the end of the period, 2020-01-02T03:00:00.000Z',
    });
  });

  test('hundreds of sales find their gains, page by page', async () => {
    const { story, portfolio } = trading();
    portfolio.buy('ETH-USD', '2020-02-01', { quantity: '400', price: '1' });
    for (let n = 0; n < 400; n += 1) {
      portfolio.sell('ETH-USD', '2020-02-02', { quantity: '1', price: `${n}` });
    }
    const { ask } = await read(story);
    const found: (string | undefined)[] = [];
    let cursor = '';
    do {
      const query = { portfolioId: savings, side: TradeSide.SELL, page: { pageSize: 99, cursor } };
      const answer = answered(await ask(method.listTrades, query));
      found.push(...answer.trades.map(({ realisedGain }) => realisedGain));
      cursor = answer.page?.nextCursor ?? '';
    } while (cursor !== '');
    expect(found).toEqual(['140', ...Array.from({ length: 400 }, (_, n) => `${n - 1}`)]);
  });
});
