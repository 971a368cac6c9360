import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  type ListCostBasisQuerySchema,
  LotState,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { TradeRecordedSchema } from '../../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  CostBasisMethod,
  type CostBasisMethod as Method,
  TradeSide,
} from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { add, decimal, sub, toText } from '../../../../../src/kernel/decimal.ts';
import { analysisRead } from '../../../../../src/trading/read.ts';
import { tradingViews } from '../../../../../src/trading/views.ts';
import {
  analysisReads,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { project } from '../../../../support/project.ts';
import {
  answered,
  bob,
  callOf,
  refused,
  startQueryBus,
  uuid,
} from '../../../../support/query-bus.ts';
import { createReadModelsInMemory } from '../../../../support/read-models-in-memory.ts';
import { sharedData } from '../../../../support/shared-data.ts';
import { createStory } from '../../../../support/trading-events.ts';

const { listCostBasis } = AnalysisQueryService.method;
const start = analysisReads();
const strategyId = uuid(50);

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  const list = async (more: MessageInitShape<typeof ListCostBasisQuerySchema> = {}) =>
    answered(await ask(listCostBasis, { portfolioId, ...more }));
  return {
    open: (more: object = {}) => list({ state: LotState.OPEN, ...more }),
    closed: (more: object = {}) => list({ state: LotState.CLOSED, ...more }),
  };
}

/** Two lots of BTC of which one and a half are sold, and one of ETH that has no recorded price. */
function threeLots(costBasisMethod: Method = CostBasisMethod.FIFO) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('ETH-USD');
  story.candles('BTC-USD', [
    ['2024-01-01', '100'],
    ['2024-01-04', '150'],
  ]);
  const portfolio = story.portfolio(portfolioId, { costBasisMethod });
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  const fee = { fee: '1', feeCurrency: 'USD' };
  const bought = [
    portfolio.buy('BTC-USD', '2024-01-01T00:00:00Z', { quantity: '1', price: '100', ...fee }),
    portfolio.buy('BTC-USD', '2024-01-02T00:00:00Z', { quantity: '1', price: '130' }),
  ];
  const order = { quantity: '1.5', price: '120', ...fee, strategyId };
  const sold = portfolio.sell('BTC-USD', '2024-01-03T12:00:00Z', order);
  portfolio.buy('ETH-USD', '2024-01-04T00:00:00Z', { quantity: '2', price: '10' });
  const idOf = ({ message }: (typeof bought)[number]) => (message as { tradeId?: string }).tradeId;
  return { story, portfolio, bought: bought.map(idOf), sold: idOf(sold) };
}

describe.each(engines)('cost basis, in %s', (engine) => {
  test('what sales took from lots, with gains and holding periods', async () => {
    const { story, bought, sold } = threeLots();
    const { closed } = await read(story, engine);
    const answer = await closed();
    expect(answer).toMatchObject({
      ...{ currency: 'USD', costBasisMethod: CostBasisMethod.FIFO, total: 2 },
      ...{ from: '2024-01-01', to: '2024-01-04', realisedGain: '13' },
      lots: [
        {
          ...{ instrumentId: 'BTC-USD', quantity: '1', cost: '101', strategyId },
          ...{ openedBy: bought[0], closedBy: sold, heldSeconds: 216_000n },
        },
        {
          ...{ quantity: '0.5', cost: '65', openedBy: bought[1], heldSeconds: 129_600n },
        },
      ],
    });
    const [first, second] = answer.lots;
    expect(timestampDate(first?.openedAt ?? timestampFromMs(0)).toISOString()).toBe(
      '2024-01-01T00:00:00.000Z',
    );
    expect(toText(add(decimal(first?.proceeds ?? ''), decimal(second?.proceeds ?? '')))).toBe(
      '179',
    );
    for (const lot of answer.lots) {
      const gain = toText(sub(decimal(lot.proceeds ?? ''), decimal(lot.cost)));
      expect(lot.realisedGain).toBe(gain);
      expect(lot).not.toHaveProperty('marketValue');
    }
  });

  test('what is open, at the last price; without one no value, nor a sum of them', async () => {
    const { open } = await read(threeLots().story, engine);
    const answer = await open();
    expect(answer).toMatchObject({
      ...{ total: 2, cost: '85', realisedGain: '13' },
      lots: [
        {
          ...{ instrumentId: 'BTC-USD', quantity: '0.5', cost: '65', heldSeconds: 259_200n },
          ...{ marketValue: '75', unrealisedGain: '10' },
        },
        { instrumentId: 'ETH-USD', quantity: '2', cost: '20', heldSeconds: 86_400n },
      ],
      instruments: [
        {
          ...{ instrumentId: 'BTC-USD', quantity: '0.5', cost: '65', openLots: 1, closedLots: 2 },
          ...{ price: '150', pricedAt: '2024-01-04', marketValue: '75', unrealisedGain: '10' },
          ...{ proceeds: '179', costOfSold: '166', realisedGain: '13' },
        },
        { instrumentId: 'ETH-USD', quantity: '2', closedLots: 0, realisedGain: '0' },
      ],
    });
    for (const without of [answer, answer.lots[1], answer.instruments[1]]) {
      expect(without).not.toHaveProperty('marketValue');
      expect(without).not.toHaveProperty('unrealisedGain');
    }
    expect(await open({ instrumentId: 'BTC-USD' })).toMatchObject({
      ...{ total: 1, cost: '65', marketValue: '75', unrealisedGain: '10' },
    });
  });

  test('as of the end of a day; gains of a period alone', async () => {
    const { open, closed } = await read(threeLots().story, engine);
    expect(await open({ to: '2024-01-02' })).toMatchObject({
      ...{ to: '2024-01-02', total: 2, cost: '231', marketValue: '200', unrealisedGain: '-31' },
      lots: [{ cost: '101', heldSeconds: 172_800n }, { cost: '130' }],
      realisedGain: '0',
    });
    const later = await closed({ from: '2024-01-04' });
    expect(later).toMatchObject({ total: 0, realisedGain: '0' });
    expect(later.instruments[0]).toMatchObject({ closedLots: 0, proceeds: '0' });
  });

  test('by the method of the portfolio', async () => {
    const lots = async (method: Method) => {
      const { closed } = await read(threeLots(method).story, engine);
      return (await closed()).lots.map(({ quantity, cost }) => [quantity, cost]);
    };
    expect(await lots(CostBasisMethod.LIFO)).toEqual([
      ['1', '130'],
      ['0.5', '50.5'],
    ]);
    expect(await lots(CostBasisMethod.AVERAGE)).toEqual([['1.5', '173.25']]);
  });

  test('a page at a time, newest first', async () => {
    const { closed } = await read(threeLots().story, engine);
    const first = await closed({ descending: true, page: { pageSize: 1 } });
    expect(first).toMatchObject({ total: 2, lots: [{ quantity: '0.5' }] });
    const cursor = first.page?.nextCursor ?? '';
    const second = await closed({ descending: true, page: { pageSize: 1, cursor } });
    expect(second).toMatchObject({ lots: [{ quantity: '1' }], page: { nextCursor: '' } });
  });
});

describe('the pages of a report', () => {
  function manyLots(count: number) {
    const story = createStory();
    story.instrument('BTC-USD');
    story.candles('BTC-USD', [['2024-01-01', '100']]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('100000', '2024-01-01T00:00:00Z');
    const day = (n: number) => new Date(Date.UTC(2024, 0, 1, 0, 0, n)).toISOString();
    for (let n = 0; n < count; n += 1) {
      portfolio.buy('BTC-USD', day(n), { quantity: '1', price: String(n + 1) });
    }
    return { story, portfolio, day };
  }

  /** Over read models in memory that get what is told of the story. */
  function bus(story: Story) {
    const readModels = createReadModelsInMemory();
    const { ask } = startQueryBus({ contexts: [analysisRead], readModels });
    const tell = () => {
      for (const view of tradingViews) {
        for (const [id, document] of project(view, story.events)) {
          readModels.apply(view, story.events.length, id, document);
        }
        readModels.apply(view, story.events.length);
      }
    };
    tell();
    const costs = async (pageSize: number, cursor = '') => {
      readModels.reads.length = 0;
      const query = { portfolioId, state: LotState.OPEN, page: { pageSize, cursor } };
      const answer = answered(await ask(listCostBasis, query));
      const reads = readModels.reads.filter((one) => one.endsWith('trading_trades'));
      const lots = answer.lots.map(({ cost }) => cost);
      const { instruments, total } = answer;
      return { lots, total, reads, cursor: answer.page?.nextCursor ?? '', instruments };
    };
    return { tell, costs };
  }

  test('are made of one reading of its trades, and of another when a trade has come', async () => {
    const { story, portfolio, day } = manyLots(1_100);
    const { tell, costs } = bus(story);
    const looks = ['progress trading_trades', 'list trading_trades', 'search trading_trades'];
    const first = await costs(3);
    expect(first).toMatchObject({ lots: ['1', '2', '3'], total: 1_100 });
    // 500 trades with each read, beside a look at what has come.
    const pages = Array.from({ length: 3 }, () => 'list trading_trades');
    expect(first.reads.toSorted()).toEqual([...looks, ...pages].toSorted());
    const second = await costs(3, first.cursor);
    expect(second).toMatchObject({ lots: ['4', '5', '6'], total: 1_100 });
    expect(second.reads.toSorted()).toEqual(looks.toSorted());
    portfolio.sell('BTC-USD', day(1_100), { quantity: '4.5', price: '10' });
    tell();
    const third = await costs(3, first.cursor);
    expect(third).toMatchObject({ lots: ['8', '9', '10'], total: 1_096 });
    expect(third.instruments).toMatchObject([{ quantity: '1095.5', openLots: 1_096 }]);
  });

  test('are at the price as it is, also when no trade has come', async () => {
    const { story } = manyLots(3);
    const { tell, costs } = bus(story);
    expect((await costs(2)).instruments).toMatchObject([{ marketValue: '300' }]);
    story.candles('BTC-USD', [['2024-01-01', '110']]);
    tell();
    expect((await costs(2)).instruments).toMatchObject([{ marketValue: '330' }]);
  });
});

type OracleTrade = [time: string, side: 'buy' | 'sell', quantity: string, amount: string | null];
type Figures = { readonly [name: string]: string | [quantity: string, cost: string][] };
type OracleCase = {
  readonly id: string;
  readonly kind?: string;
  readonly trades: readonly OracleTrade[];
  readonly price: string | null;
  readonly expected: {
    readonly remaining: string;
    readonly fifo?: Figures;
    readonly average?: Figures;
  };
};

const cases = (JSON.parse(sharedData('oracles/cost-basis-cases.json')).cases as OracleCase[])
  .filter(({ kind }) => kind === undefined)
  .flatMap(({ expected: { remaining, ...byMethod }, ...known }) =>
    Object.entries(byMethod).map(([name, figures]) => ({ ...known, name, remaining, figures })),
  );

describe.each(cases)('case $id by $name', ({ trades, price, name, remaining, figures }) => {
  function told() {
    const story = createStory();
    story.instrument('BTC-USD');
    const costBasisMethod = name === 'fifo' ? CostBasisMethod.FIFO : CostBasisMethod.AVERAGE;
    story.portfolio(portfolioId, { costBasisMethod });
    let position = decimal('0');
    for (const [at, [day, side, quantity, amount]] of trades.entries()) {
      const isBuy = side === 'buy';
      position = (isBuy ? add : sub)(position, decimal(quantity));
      const change = isBuy ? quantity : `-${quantity}`;
      const message = create(TradeRecordedSchema, {
        ...{ portfolioId, userId: 'alice', instrumentId: 'BTC-USD', tradeId: uuid(at + 1) },
        ...{ baseAsset: 'BTC', quoteCurrency: 'USD', feeCurrency: 'USD', fee: '0', price: '1' },
        ...{ side: isBuy ? TradeSide.BUY : TradeSide.SELL, quantity, quantityChange: change },
        ...{ cashChange: isBuy ? `-${amount}` : (amount ?? '0'), cash: '0', costBasisMethod },
        position: toText(position),
        executedAt: timestampFromMs(Date.parse(day)),
      });
      story.append(`portfolio-${portfolioId}`, message);
    }
    if (price !== null) story.candles('BTC-USD', [[trades.at(-1)?.[0] ?? '', price]]);
    return story;
  }

  test('has the figures of the public test suite', async () => {
    const { open, closed } = await read(told());
    const { instruments, lots } = await closed();
    const [instrument] = instruments;
    expect(instrument?.quantity).toBe(remaining);
    const rounded = (text: string | undefined) => Number(text).toFixed(2);
    const year = 365 * 86_400;
    const costOf = (wanted: boolean) =>
      lots
        .filter(({ heldSeconds }) => Number(heldSeconds) > year === wanted)
        .reduce((sum, { cost }) => sum + Number(cost), 0);
    const actual: { readonly [name: string]: unknown } = {
      cost: rounded(instrument?.cost),
      realized: rounded(instrument?.realisedGain),
      unrealized: rounded(instrument?.unrealisedGain),
      costOfSold: rounded(instrument?.costOfSold),
      matched: lots.map(({ quantity, cost }) => [quantity, cost]),
      holdingOver1yCost: costOf(true).toFixed(2),
      holdingUnder1yCost: costOf(false).toFixed(2),
    };
    for (const [figure, expected] of Object.entries(figures)) {
      const value = typeof expected === 'string' ? rounded(expected) : expected;
      expect([figure, actual[figure]]).toEqual([figure, value]);
    }
    const left = (await open()).lots.reduce((sum, { cost }) => sum + Number(cost), 0);
    expect(left).toBeCloseTo(Number(instrument?.cost), 9);
  });
});

test('is for the owner of the portfolio; without activities there is nothing', async () => {
  const story = createStory();
  story.portfolio(portfolioId);
  const ask = await start('memory', story);
  const foreign = await ask(listCostBasis, { portfolioId }, callOf(bob));
  expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
  expect(answered(await ask(listCostBasis, { portfolioId }))).toMatchObject({
    ...{ lots: [], instruments: [], cost: '0', marketValue: '0', realisedGain: '0' },
  });
});
