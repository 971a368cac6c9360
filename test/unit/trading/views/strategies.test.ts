import { create } from '@bufbuild/protobuf';
import { anyUnpack, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from '@jest/globals';
import { AnalysisQueryService } from '../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import {
  TradingStrategyEvent_EventType as EventType,
  StrategyActivatedSchema,
  StrategyCreatedSchema,
  StrategyDeletedSchema,
  StrategyPausedSchema,
  StrategyUpdatedSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  Comparator,
  Indicator,
  RuleAction,
  StrategyStatus,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  TradingStrategyQuery_QueryType as QueryType,
  StrategySort,
  TradingQueryService,
} from '../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { strategies } from '../../../../src/trading/views/strategies/strategies.ts';
import { strategyHistory } from '../../../../src/trading/views/strategies/strategy-events.ts';
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
import { createStory, rule } from '../../../support/trading-events.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = TradingQueryService;
const folder = temporaryFolder();
const id = uuid(1);
const stream = `strategy-${id}`;
const at = (time: string) => timestampFromMs(Date.parse(time));
const stop: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of stop.splice(0)) await end();
});

type Story = ReturnType<typeof createStory>;

async function read(story: Story) {
  const bus = await startTradingRead(folder, story.events);
  stop.push(() => bus[Symbol.asyncDispose]());
  return bus;
}

const crossing = {
  indicator: { indicator: Indicator.SMA, window: 20 },
  comparator: Comparator.CROSSES_ABOVE,
  against: {
    case: 'secondIndicator' as const,
    value: { indicator: Indicator.EMA, window: 50 },
  },
  action: RuleAction.ENTER_LONG,
};

/** Created, activated, updated, paused, deleted. */
function life() {
  const story = createStory();
  story.strategy(id, 'Momentum', { rules: [crossing, rule(Indicator.RSI), rule(Indicator.SMA)] });
  const own = { strategyId: id, userId: 'alice' };
  const activatedAt = at('2016-01-02');
  story.append(stream, create(StrategyActivatedSchema, { ...own, activatedAt }));
  const updated = {
    strategyName: 'Réversion',
    rules: [rule(Indicator.BOLLINGER)],
    riskProfile: {},
  };
  const updatedAt = at('2016-01-03');
  story.append(stream, create(StrategyUpdatedSchema, { ...own, ...updated, updatedAt }));
  story.append(stream, create(StrategyPausedSchema, { ...own, pausedAt: at('2016-01-04') }));
  const deletedAt = at('2016-01-05');
  story.append(stream, create(StrategyDeletedSchema, { ...own, deletedAt }));
  return story;
}

describe('documents', () => {
  test('a strategy is as its last event left it', () => {
    const { events } = life();
    const after = (count: number) => project(strategies, events.slice(0, count)).get(id);
    expect(after(1)).toEqual({
      ...{ userId: 'alice', name: 'Momentum', status: 'DRAFT', indicators: ['SMA', 'EMA', 'RSI'] },
      rules: [
        {
          indicator: { indicator: 'SMA', window: 20 },
          comparator: 'CROSSES_ABOVE',
          secondIndicator: { indicator: 'EMA', window: 50 },
          action: 'ENTER_LONG',
        },
        ...['RSI', 'SMA'].map((indicator) => ({
          indicator: { indicator, window: 14 },
          ...{ comparator: 'BELOW', threshold: '30', action: 'ENTER_LONG' },
        })),
      ],
      riskProfile: { stopLoss: '0.05', maxOpenPositions: 3 },
      createdAt: Date.parse('2016-01-01'),
      updatedAt: Date.parse('2016-01-01'),
      revision: 0,
    });
    expect(after(2)).toEqual({
      ...after(1),
      ...{ status: 'ACTIVE', updatedAt: Date.parse('2016-01-02'), revision: 1 },
    });
    expect(after(3)).toMatchObject({
      ...{ name: 'Réversion', status: 'ACTIVE', indicators: ['BOLLINGER'], riskProfile: {} },
      ...{ createdAt: Date.parse('2016-01-01'), updatedAt: Date.parse('2016-01-03'), revision: 2 },
    });
    const changed = { updatedAt: Date.parse('2016-01-04'), revision: 3 };
    expect(after(4)).toEqual({ ...after(3), status: 'PAUSED', ...changed });
    const deleted = { updatedAt: Date.parse('2016-01-05'), revision: 4 };
    expect(after(5)).toEqual({ ...after(4), status: 'DELETED', ...deleted });
  });

  test('an event on no strategy is a fault', () => {
    const { events } = life();
    expect(() => project(strategies, events.slice(1))).toThrow(
      'cipherhorizon.trading.v1.StrategyActivated on no strategy',
    );
  });

  test('every event is kept as it is stored', () => {
    const { events } = life();
    const documents = [...project(strategyHistory, events)];
    expect(documents.map(([key]) => key)).toEqual(events.map(({ recorded }) => recorded.id));
    expect(documents[1]?.[1]).toEqual({
      ...{ strategyId: id, userId: 'alice', revision: 1, occurredAt: Date.parse('2016-01-02') },
      type: 'cipherhorizon.trading.v1.StrategyActivated',
      data: { strategyId: id, userId: 'alice', activatedAt: '2016-01-02T00:00:00Z' },
    });
  });
});

describe('a strategy', () => {
  test('is told in full, to its owner', async () => {
    const story = createStory();
    story.strategy(id, 'Momentum', { rules: [crossing, rule(Indicator.RSI)] });
    const { ask, watch } = await read(story);
    const answer = answered(await ask(method.getStrategy, { strategyId: id }));
    expect(answer.strategy).toMatchObject({
      ...{ strategyId: id, userId: 'alice', strategyName: 'Momentum', revision: 0n },
      status: StrategyStatus.DRAFT,
      rules: [crossing, rule(Indicator.RSI)],
      riskProfile: { stopLoss: '0.05', maxOpenPositions: 3, takeProfit: '', cooldownSeconds: 0 },
      ...{ createdAt: at('2016-01-01'), updatedAt: at('2016-01-01') },
    });
    const call = new AbortController();
    const watched = watch(
      method.watchStrategy,
      { strategyId: id },
      callOf(alice, {}, { signal: call.signal }),
    );
    expect((await watched.next()).value).toMatchObject({ strategy: { strategyName: 'Momentum' } });
    call.abort();
    await watched.return?.();
  });

  test('does not exist for others', async () => {
    const { ask } = await read(life());
    for (const one of [method.getStrategy, method.listStrategyEvents]) {
      const refusal = refused(await ask(one, { strategyId: id }, callOf(bob)));
      expect(refusal).toMatchObject({
        ...{ kind: 'NOT_FOUND', code: 'STRATEGY_NOT_FOUND' },
        message: `there is no strategy '${id}'`,
      });
      answered(await ask(one, { strategyId: id }, callOf(analyst)));
    }
  });

  test('has its history in the integration form', async () => {
    const story = life();
    const { ask } = await read(story);
    const query = { strategyId: id, page: { pageSize: 3 } };
    const first = answered(await ask(method.listStrategyEvents, query));
    const page = { pageSize: 3, cursor: first.page?.nextCursor ?? '' };
    const second = answered(await ask(method.listStrategyEvents, { ...query, page }));
    const events = [...first.events, ...second.events];
    expect(first.events).toHaveLength(3);
    expect(events.map(({ type }) => type)).toEqual([
      EventType.STRATEGY_CREATED,
      EventType.STRATEGY_UPDATED,
      EventType.STRATEGY_UPDATED,
      EventType.STRATEGY_UPDATED,
      EventType.STRATEGY_DELETED,
    ]);
    const [created, activated] = events;
    expect(activated).toMatchObject({
      ...{ eventId: story.events[1]?.recorded.id, aggregateId: id, userId: 'alice', revision: 1n },
      occurredAt: at('2016-01-02'),
      payload: { typeUrl: 'type.googleapis.com/cipherhorizon.trading.v1.StrategyActivated' },
    });
    const payload = created?.payload && anyUnpack(created.payload, StrategyCreatedSchema);
    expect(payload).toEqual(story.events[0]?.message);
  });
});

/** Four of alice, one of them deleted, and one of bob. */
function several() {
  const story = createStory();
  const create1 = (n: number, name: string, indicator: Indicator, more: object = {}) =>
    story.strategy(uuid(n), name, {
      rules: [rule(indicator)],
      createdAt: at(`2020-01-0${n}`),
      ...more,
    });
  create1(1, 'Zebra momentum', Indicator.RSI);
  create1(2, 'élan momentum', Indicator.SMA);
  create1(3, 'Fade', Indicator.RSI);
  create1(4, 'Gone momentum', Indicator.RSI);
  create1(5, 'Momentum of bob', Indicator.RSI, { userId: 'bob' });
  const own = (n: number) => ({ strategyId: uuid(n), userId: 'alice' });
  const activatedAt = at('2020-02-01');
  story.append(`strategy-${uuid(1)}`, create(StrategyActivatedSchema, { ...own(1), activatedAt }));
  const deletedAt = at('2020-02-02');
  story.append(`strategy-${uuid(4)}`, create(StrategyDeletedSchema, { ...own(4), deletedAt }));
  return story;
}

describe('the strategies of a user', () => {
  async function lister() {
    const { ask } = await read(several());
    return async (more: object) => {
      const answer = answered(await ask(method.listStrategies, { userId: 'alice', ...more }));
      return answer.strategies.map(({ strategyName }) => strategyName.split(' ')[0]);
    };
  }

  test('are listed by creation, update or name; the deleted ones only where asked for', async () => {
    const names = await lister();
    expect(await names({})).toEqual(['Zebra', 'élan', 'Fade']);
    expect(await names({ descending: true })).toEqual(['Fade', 'élan', 'Zebra']);
    expect(await names({ sort: StrategySort.UPDATED_AT })).toEqual(['élan', 'Fade', 'Zebra']);
    expect(await names({ sort: StrategySort.NAME })).toEqual(['élan', 'Fade', 'Zebra']);
  });

  test('pass filters by status, indicator and creation', async () => {
    const names = await lister();
    const filtered = (filter: object) => names({ filter });
    const { ACTIVE, DELETED, UNSPECIFIED } = StrategyStatus;
    expect(await filtered({ statuses: [ACTIVE, DELETED] })).toEqual(['Zebra', 'Gone']);
    expect(await filtered({ statuses: [UNSPECIFIED] })).toEqual(['Zebra', 'élan', 'Fade']);
    expect(await filtered({ indicator: Indicator.RSI })).toEqual(['Zebra', 'Fade']);
    expect(await filtered({ createdFrom: at('2020-01-02') })).toEqual(['élan', 'Fade']);
    expect(await filtered({ createdUntil: at('2020-01-02') })).toEqual(['Zebra']);
    const far = { seconds: 2n ** 62n, nanos: 0 };
    expect(await filtered({ createdUntil: far, createdFrom: { seconds: -far.seconds } })).toEqual([
      ...['Zebra', 'élan', 'Fade'],
    ]);
  });

  test('a period that ends before it begins is refused', async () => {
    const { ask } = await read(several());
    const filter = { createdFrom: at('2020-01-02'), createdUntil: at('2020-01-01') };
    for (const one of [method.listStrategies, method.searchStrategies]) {
      const refusal = refused(await ask(one, { userId: 'alice', filter }));
      expect(refusal).toMatchObject({ kind: 'INVALID', code: 'PERIOD_INVALID' });
      expect(refusal.fields?.[0]?.field).toBe('filter.created_from');
    }
  });

  test('come in pages', async () => {
    const { ask } = await read(several());
    const query = { userId: 'alice', sort: StrategySort.NAME };
    const first = answered(await ask(method.listStrategies, { ...query, page: { pageSize: 2 } }));
    const cursor = first.page?.nextCursor ?? '';
    const page = { pageSize: 2, cursor };
    const second = answered(await ask(method.listStrategies, { ...query, page }));
    const names = [...first.strategies, ...second.strategies].map((one) => one.strategyName);
    expect(names).toEqual(['élan momentum', 'Fade', 'Zebra momentum']);
    expect(second.page?.nextCursor).toBe('');
  });

  test('are searched by name and indicator, with highlights and facets', async () => {
    const { ask } = await read(several());
    const search = async (text: string, more: object = {}) =>
      answered(await ask(method.searchStrategies, { userId: 'alice', text, ...more }));
    const answer = await search('elan mom', { facets: true });
    expect(answer).toMatchObject({
      total: 1n,
      hits: [
        {
          strategy: { strategyName: 'élan momentum', rules: [rule(Indicator.SMA)] },
          highlights: [{ field: 'strategy_name', fragments: ['<em>élan</em> <em>momentum</em>'] }],
        },
      ],
    });
    expect(answer.hits[0]?.score).toBeGreaterThan(0);
    const byIndicator = await search('rsi');
    expect(byIndicator.hits.map(({ highlights }) => highlights)).toMatchObject([
      [{ field: 'indicator', fragments: ['<em>RSI</em>'] }],
      [{ field: 'indicator' }],
    ]);
    const { facets } = await search('', { facets: true });
    expect(facets).toMatchObject([
      {
        field: 'status',
        buckets: [
          { value: 'STRATEGY_STATUS_DRAFT', count: 2n },
          { value: 'STRATEGY_STATUS_ACTIVE', count: 1n },
        ],
      },
      {
        field: 'indicator',
        buckets: [
          { value: 'INDICATOR_RSI', count: 2n },
          { value: 'INDICATOR_SMA', count: 1n },
        ],
      },
    ]);
    expect((await search('momentum')).facets).toEqual([]);
    const deleted = { filter: { statuses: [StrategyStatus.DELETED] } };
    expect((await search('momentum', deleted)).total).toBe(1n);
    expect((await search('momemtum', { page: { pageSize: 1 } })).page?.nextCursor).not.toBe('');
  });
});

describe('the combined query', () => {
  function traded() {
    const story = several();
    const portfolio = story.portfolio(uuid(50));
    const [first, second] = [uuid(1), uuid(3)];
    portfolio.buy('BTC-USD', '2020-03-01', { quantity: '2', price: '10', strategyId: first });
    portfolio.sell('BTC-USD', '2020-03-02', {
      ...{ quantity: '1', price: '15', fee: '1', strategyId: first },
    });
    const order = { quantity: '1', price: '10', strategyId: second };
    portfolio.sell('BTC-USD', '2020-03-03', order);
    const eth = { quantity: '1', price: '7', strategyId: first };
    portfolio.buy('ETH-USD', '2020-03-04', eth);
    const euros = story.portfolio(uuid(51), { baseCurrency: 'EUR' });
    euros.buy('BTC-EUR', '2020-03-04', { quantity: '1', price: '3', strategyId: first });
    const foreign = story.portfolio(uuid(52), { userId: 'bob' });
    foreign.buy('BTC-USD', '2020-03-04', { quantity: '1', price: '3', strategyId: first });
    return story;
  }

  test('lists names and states', async () => {
    const { ask } = await read(traded());
    const query = { userId: 'alice', type: QueryType.LIST_STRATEGIES, page: { pageSize: 2 } };
    const answer = answered(await ask(method.tradingStrategy, query));
    expect(answer.strategies).toMatchObject([
      { strategyName: 'Zebra momentum', status: StrategyStatus.ACTIVE, rules: [] },
      { strategyName: 'élan momentum', status: StrategyStatus.DRAFT, rules: [] },
    ]);
    expect(answer.page?.nextCursor).not.toBe('');
    expect(answer.performance).toEqual([]);
  });

  test('tells details, of one or of all', async () => {
    const { ask } = await read(traded());
    const query = { userId: 'alice', type: QueryType.GET_STRATEGY_DETAILS };
    const all = answered(await ask(method.tradingStrategy, query));
    expect(all.strategies).toHaveLength(3);
    expect(all.strategies[1]).toMatchObject({ rules: [rule(Indicator.SMA)] });
    const one = answered(await ask(method.tradingStrategy, { ...query, strategyId: uuid(4) }));
    expect(one.strategies).toMatchObject([
      { strategyName: 'Gone momentum', riskProfile: { stopLoss: '0.05' } },
    ]);
  });

  test('sums up the trades of each strategy, by currency, in the portfolios of its user', async () => {
    const { ask } = await read(traded());
    const query = { userId: 'alice', type: QueryType.PERFORMANCE_ANALYSIS };
    const answer = answered(await ask(method.tradingStrategy, query));
    expect(answer.strategies.map(({ strategyId }) => strategyId)).toEqual([1, 2, 3].map(uuid));
    expect(answer.performance).toMatchObject([
      {
        strategyId: uuid(1),
        currencies: [
          { currency: 'EUR', trades: 1n, bought: '3', sold: '0', realisedGain: '0' },
          {
            ...{ currency: 'USD', trades: 3n, bought: '27', sold: '15', fees: '1' },
            ...{ realisedGain: '4', winningTrades: 1n, losingTrades: 0n, draws: 0n },
          },
        ],
      },
      { strategyId: uuid(2), currencies: [] },
      {
        strategyId: uuid(3),
        currencies: [{ currency: 'USD', trades: 1n, sold: '10', realisedGain: '0', draws: 1n }],
      },
    ]);
    const alone = answered(await ask(method.tradingStrategy, { ...query, strategyId: uuid(3) }));
    expect(alone.performance).toMatchObject([
      { strategyId: uuid(3), currencies: [{ trades: 1n, sold: '10', draws: 1n, gain: '0' }] },
    ]);
  });

  test('of one strategy it tells the performance too, as the analysis does', async () => {
    const { ask } = await read(traded());
    const strategyId = uuid(1);
    const query = { userId: 'alice', type: QueryType.PERFORMANCE_ANALYSIS };
    const list = answered(await ask(method.tradingStrategy, query));
    expect(list.performance[0]?.currencies[0]).not.toHaveProperty('timeWeightedReturn');
    const alone = answered(await ask(method.tradingStrategy, { ...query, strategyId }));
    const { getStrategyPerformance } = AnalysisQueryService.method;
    const { performance } = answered(await ask(getStrategyPerformance, { strategyId }));
    expect(performance.map(({ currency }) => currency)).toEqual(['EUR', 'USD']);
    const figures = [
      ...['from', 'to', 'endValue', 'gain', 'accountMethod', 'timeWeightedReturn', 'cagr'],
      ...['moneyWeightedReturn', 'volatility', 'sharpe', 'sortino', 'maximumDrawdown', 'calmar'],
    ] as const;
    for (const [at, summary] of (alone.performance[0]?.currencies ?? []).entries()) {
      const told = new Map(Object.entries(performance[at] ?? {}));
      const shown = new Map(Object.entries(summary));
      for (const name of figures) expect([name, shown.get(name)]).toEqual([name, told.get(name)]);
      expect(shown.get('timeWeightedReturn')).toHaveProperty('method');
    }
  });

  test('finds no strategy of another user, and none that is not there', async () => {
    const { ask } = await read(traded());
    for (const strategyId of [uuid(5), uuid(99)]) {
      const query = { userId: 'alice', type: QueryType.GET_STRATEGY_DETAILS, strategyId };
      expect(refused(await ask(method.tradingStrategy, query))).toMatchObject({
        ...{ kind: 'NOT_FOUND', code: 'STRATEGY_NOT_FOUND' },
        message: `there is no strategy '${strategyId}'`,
      });
    }
    const foreign = { userId: 'bob', type: QueryType.LIST_STRATEGIES };
    expect(refused(await ask(method.tradingStrategy, foreign)).kind).toBe('FORBIDDEN');
  });
});
