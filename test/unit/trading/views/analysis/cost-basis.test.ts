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
import {
  analysisReads,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { answered, bob, callOf, refused, uuid } from '../../../../support/query-bus.ts';
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
