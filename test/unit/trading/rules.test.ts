import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  ActivateTradingStrategyCommandSchema as Activate,
  CreateTradingStrategyCommandSchema as CreateStrategy,
  DeleteTradingStrategyCommandSchema as Delete,
  DepositCashCommandSchema as Deposit,
  OpenPortfolioCommandSchema as Open,
  PauseTradingStrategyCommandSchema as Pause,
  RecordCandlesCommandSchema as RecordCandles,
  RegisterInstrumentCommandSchema as Register,
  RecordTradeCommandSchema as Trade,
  UpdatePortfolioCommandSchema as UpdatePortfolio,
  UpdateTradingStrategyCommandSchema as UpdateStrategy,
  WithdrawCashCommandSchema as Withdraw,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  CandleInterval,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { Decider } from '../../../src/kernel/decider.ts';
import { isRejection } from '../../../src/kernel/rejection.ts';
import { tradingWrite } from '../../../src/trading/write.ts';

const nowMs = Date.UTC(2026, 0, 2, 12);
const id = '11111111-2222-4333-8444-555555555555';
const seconds = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)) });

function deciderOf(category: string): Decider {
  const decider = tradingWrite.deciders.find((one) => one.category === category);
  if (decider === undefined) throw new Error(`no decider of ${category}`);
  return decider;
}

/** An aggregate that commands are given to, one after another; each is accepted or refused. */
function given(category: string, related: { readonly [name: string]: unknown } = {}) {
  const decider = deciderOf(category);
  let state = decider.initial;
  const decide = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const principal = { subject: 'alice', roles: ['user'] };
    const context = { id, commandId: id, nowMs, principal, related, prepared: undefined };
    return decider.decide(create(schema, init), state, context);
  };
  const when = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const decided = decide(schema, init);
    if (isRejection(decided)) return decided.code;
    state = decided.reduce(decider.evolve, state);
    const kept = decider.snapshot.fromJson(
      JSON.parse(JSON.stringify(decider.snapshot.toJson(state))),
    );
    expect(decider.snapshot.toJson(kept)).toEqual(decider.snapshot.toJson(state));
    return decided.map(
      (event) => event as unknown as { $typeName: string; [field: string]: unknown },
    );
  };
  const names = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const events = when(schema, init);
    return typeof events === 'string'
      ? events
      : events.map(({ $typeName }) => $typeName.split('.').at(-1));
  };
  /** The sentence of the refusal, behind the field at fault. */
  const refusal = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const decided = decide(schema, init);
    if (!isRejection(decided)) throw new Error('it was accepted');
    const { code, message, fields = [] } = decided;
    for (const field of fields) expect(field).toMatchObject({ rule: code, message });
    return `${fields.map(({ field }) => field).join(', ')}: ${message}`;
  };
  return { when, names, refusal, state: () => state };
}

const enter = {
  indicator: { indicator: Indicator.RSI, window: 14 },
  comparator: Comparator.BELOW,
  against: { case: 'threshold' as const, value: '30' },
  action: RuleAction.ENTER_LONG,
};
const strategyOf = (more: MessageInitShape<typeof CreateStrategy> = {}) => ({
  userId: 'alice',
  strategyName: 'Dip',
  rules: [enter],
  ...more,
});

describe('a strategy', () => {
  const created = () => {
    const strategy = given('strategy');
    expect(strategy.names(CreateStrategy, strategyOf())).toEqual(['StrategyCreated']);
    return strategy;
  };
  const of = { strategyId: id };

  test('lives from draft to deleted', () => {
    const strategy = created();
    expect(strategy.names(CreateStrategy, strategyOf())).toBe('STRATEGY_ALREADY_EXISTS');
    expect(strategy.names(Pause, of)).toBe('STRATEGY_NOT_ACTIVE');
    expect(strategy.names(Activate, of)).toEqual(['StrategyActivated']);
    expect(strategy.names(Activate, of)).toEqual([]);
    expect(strategy.names(Pause, of)).toEqual(['StrategyPaused']);
    expect(strategy.names(Pause, of)).toEqual([]);
    expect(strategy.names(Activate, of)).toEqual(['StrategyActivated']);
    expect(strategy.names(Delete, of)).toEqual(['StrategyDeleted']);
    expect(strategy.names(Delete, of)).toEqual([]);
    expect(strategy.names(Activate, of)).toBe('STRATEGY_DELETED');
    expect(strategy.names(UpdateStrategy, { ...of, strategyName: 'x' })).toBe('STRATEGY_DELETED');
  });

  test('that is not there is not found', () => {
    for (const schema of [Activate, Pause, Delete]) {
      expect(given('strategy').names(schema, of)).toBe('STRATEGY_NOT_FOUND');
    }
    expect(given('strategy').names(UpdateStrategy, of)).toBe('STRATEGY_NOT_FOUND');
  });

  test('is updated as a whole; what is left out stays; nothing new is no event', () => {
    const strategy = created();
    const [event] = strategy.when(UpdateStrategy, { ...of, strategyName: 'Deep dip' }) as object[];
    expect(event).toMatchObject({ strategyName: 'Deep dip', rules: [{ action: 1 }] });
    expect(strategy.names(UpdateStrategy, { ...of, strategyName: 'Deep dip' })).toEqual([]);
    expect(strategy.names(UpdateStrategy, of)).toEqual([]);
  });

  test.each([
    ['ENTRY_RULE_MISSING', { rules: [] }],
    ['ENTRY_RULE_MISSING', { rules: [{ ...enter, action: RuleAction.EXIT_LONG }] }],
    [
      'INDICATOR_WINDOW_MISSING',
      { rules: [{ ...enter, indicator: { indicator: Indicator.SMA } }] },
    ],
    [
      'RULE_AGAINST_ITSELF',
      {
        rules: [
          { ...enter, against: { case: 'secondIndicator' as const, value: enter.indicator } },
        ],
      },
    ],
    ['MAX_POSITION_SIZE_INVALID', { riskProfile: { maxPositionSize: '0' } }],
    ['MAX_POSITION_SIZE_INVALID', { riskProfile: { maxPositionSize: '1.000000000000000001' } }],
    ['STOP_LOSS_INVALID', { riskProfile: { stopLoss: '0.0' } }],
    ['TAKE_PROFIT_INVALID', { riskProfile: { takeProfit: '0' } }],
    ['STOP_LOSS_EQUALS_TAKE_PROFIT', { riskProfile: { stopLoss: '0.10', takeProfit: '0.1' } }],
    ['TRAILING_STOP_DISTANCE_INVALID', { riskProfile: { trailingStopDistance: '0' } }],
    ['TRAILING_STOP_OFFSET_INVALID', { riskProfile: { trailingStopOffset: '0.1' } }],
    [
      'TRAILING_STOP_OFFSET_INVALID',
      { riskProfile: { trailingStopDistance: '0.1', trailingStopOffset: '0.10' } },
    ],
    ['MAX_LEVERAGE_INVALID', { riskProfile: { maxLeverage: '0.99' } }],
  ])('is refused with %s: %j', (code, more) => {
    expect(given('strategy').names(CreateStrategy, strategyOf(more))).toBe(code);
    const strategy = created();
    const changed = 'rules' in more && more.rules.length === 0 ? [] : code;
    expect(strategy.names(UpdateStrategy, { ...of, ...more })).toEqual(changed);
  });

  test('values at their limits are taken', () => {
    const riskProfile = {
      maxPositionSize: '1',
      stopLoss: '0.000000000000000001',
      takeProfit: '0.2',
      trailingStopDistance: '0.1',
      trailingStopOffset: '0.100000000000000001',
      maxLeverage: '1',
    };
    expect(given('strategy').names(CreateStrategy, strategyOf({ riskProfile }))).toEqual([
      'StrategyCreated',
    ]);
  });

  test('holds its name for its user, whatever the case, until it is deleted', () => {
    const { keysOf, claims } = deciderOf('strategy');
    const strategy = created();
    const [key] = keysOf?.(strategy.state()) ?? [];
    const wanted = claims?.(
      create(CreateStrategy, strategyOf({ strategyName: ' DIP' })),
      undefined,
    );
    expect(wanted?.map((claim) => claim.key)).toEqual([key]);
    expect(wanted?.[0]?.refusal).toMatchObject({
      code: 'STRATEGY_NAME_TAKEN',
      message: "strategy_name is ' DIP', the name of a strategy already; it is unique per user",
      fields: [{ field: 'strategy_name', rule: 'STRATEGY_NAME_TAKEN' }],
    });
    const others = claims?.(create(CreateStrategy, strategyOf({ userId: 'bob' })), undefined);
    expect(others?.map((claim) => claim.key)).not.toEqual([key]);
    strategy.when(Delete, of);
    expect(keysOf?.(strategy.state())).toEqual([]);
  });
});

const terms = {
  instrumentId: 'BTC-USD',
  assetClass: AssetClass.CRYPTO,
  baseAsset: 'BTC',
  quoteCurrency: 'USD',
  tickSize: '0.01',
  lotSize: '0.001',
  minimumOrderSize: '0.01',
};

function registered() {
  const instrument = given('instrument');
  expect(instrument.names(Register, terms)).toEqual(['InstrumentRegistered']);
  return instrument;
}

describe('an instrument', () => {
  test('is registered once; the same terms again are no change, others are refused', () => {
    const instrument = registered();
    expect(instrument.names(Register, { ...terms, tickSize: '0.010' })).toEqual([]);
    const other = { ...terms, tickSize: '0.1' };
    expect(instrument.names(Register, other)).toBe('INSTRUMENT_ALREADY_REGISTERED');
    expect(instrument.refusal(Register, other)).toBe(
      `tick_size: tick_size is '0.1'; that of '${id}' is '0.01', and terms do not change`,
    );
  });

  test('has steps over 0', () => {
    const wrong = (more: object) => given('instrument').names(Register, { ...terms, ...more });
    expect(wrong({ tickSize: '0' })).toBe('TICK_SIZE_INVALID');
    expect(wrong({ lotSize: '0.0' })).toBe('LOT_SIZE_INVALID');
  });
});

describe('a portfolio', () => {
  const of = { portfolioId: id };
  const opened = (instrument: unknown = registered().state()) => {
    const portfolio = given('portfolio', { instrument });
    const open = {
      userId: 'alice',
      portfolioName: 'Savings',
      baseCurrency: 'USD',
      costBasisMethod: CostBasisMethod.FIFO,
    };
    expect(portfolio.names(Open, open)).toEqual(['PortfolioOpened']);
    expect(portfolio.names(Open, open)).toBe('PORTFOLIO_ALREADY_EXISTS');
    return portfolio;
  };
  const trade = (side: TradeSide, quantity: string, price: string, more: object = {}) => ({
    ...of,
    instrumentId: 'BTC-USD',
    side,
    quantity,
    price,
    ...more,
  });
  const { BUY, SELL } = TradeSide;

  test('that is not there is not found', () => {
    for (const schema of [Deposit, Withdraw]) {
      expect(given('portfolio').names(schema, { ...of, amount: '1' })).toBe('PORTFOLIO_NOT_FOUND');
    }
    expect(given('portfolio').names(UpdatePortfolio, of)).toBe('PORTFOLIO_NOT_FOUND');
  });

  test('has no overdraft, to the last digit', () => {
    const portfolio = opened();
    expect(portfolio.names(Deposit, { ...of, amount: '0' })).toBe('AMOUNT_NOT_POSITIVE');
    expect(portfolio.when(Deposit, { ...of, amount: '0.10' })).toMatchObject([{ cash: '0.1' }]);
    expect(portfolio.when(Deposit, { ...of, amount: '0.2' })).toMatchObject([{ cash: '0.3' }]);
    const more = { ...of, amount: '0.300000000000000001' };
    expect(portfolio.names(Withdraw, more)).toBe('INSUFFICIENT_CASH');
    expect(portfolio.when(Withdraw, { ...of, amount: '0.3' })).toMatchObject([{ cash: '0' }]);
  });

  test('trades at the tick and the lot of the instrument, fees in quote or base', () => {
    const portfolio = opened();
    portfolio.when(Deposit, { ...of, amount: '1000' });
    const bought = portfolio.when(Trade, trade(BUY, '1.2349', '100.005', { fee: '0.5' }));
    expect(bought).toMatchObject([
      { quantity: '1.234', price: '100.01', cashChange: '-123.91234', position: '1.234' },
    ]);
    const inBase = { fee: '0.004', feeCurrency: 'BTC' };
    expect(portfolio.when(Trade, trade(BUY, '1', '100', inBase))).toMatchObject([
      { quantityChange: '0.996', position: '2.23', cashChange: '-100' },
    ]);
    expect(portfolio.when(Trade, trade(SELL, '2.23', '100', { fee: '1' }))).toMatchObject([
      { cashChange: '222', position: '0' },
    ]);
  });

  test('refuses trades that it cannot make', () => {
    const portfolio = opened();
    portfolio.when(Deposit, { ...of, amount: '100' });
    const names = (...of_: Parameters<typeof trade>) => portfolio.names(Trade, trade(...of_));
    expect(names(BUY, '0.0099', '10')).toBe('QUANTITY_BELOW_MINIMUM');
    expect(names(BUY, '10', '10', { fee: '0.01' })).toBe('INSUFFICIENT_CASH');
    expect(names(SELL, '0.01', '10')).toBe('INSUFFICIENT_POSITION');
    expect(names(BUY, '1', '10', { fee: '1', feeCurrency: 'EUR' })).toBe('FEE_CURRENCY_INVALID');
    expect(names(BUY, '10', '10')).toEqual(['TradeRecorded']);
    expect(names(SELL, '10', '10', { fee: '0.001', feeCurrency: 'BTC' })).toBe(
      'INSUFFICIENT_POSITION',
    );
    const unknown = opened(deciderOf('instrument').initial);
    expect(unknown.names(Trade, trade(BUY, '1', '1'))).toBe('INSTRUMENT_UNKNOWN');
    const inEuro = given('instrument');
    inEuro.when(Register, { ...terms, quoteCurrency: 'EUR' });
    expect(opened(inEuro.state()).names(Trade, trade(BUY, '1', '1'))).toBe(
      'QUOTE_CURRENCY_MISMATCH',
    );
  });

  test('says what is at fault, with its value and the rule', () => {
    const portfolio = opened();
    portfolio.when(Deposit, { ...of, amount: '100', occurredAt: seconds(nowMs - 10_000) });
    const refusal = (...of_: Parameters<typeof trade>) => portfolio.refusal(Trade, trade(...of_));
    expect(refusal(BUY, '0.0099999', '10')).toBe(
      "quantity: quantity is 0.0099999; 'BTC-USD' is traded in whole lots of 0.001, and the least " +
        'quantity is 0.01',
    );
    expect(refusal(BUY, '1', '0.004')).toBe(
      "price: price is 0.004, which is nearer to 0 than to the tick of 0.01; 'BTC-USD' has 0.01 as " +
        'its lowest price',
    );
    expect(refusal(BUY, '10', '10', { fee: '0.01' })).toBe(
      'quantity: the trade takes 100.01 USD; the cash of the portfolio is 100 USD',
    );
    expect(portfolio.refusal(Withdraw, { ...of, amount: '100.5' })).toBe(
      'amount: amount is 100.5 USD; the cash of the portfolio is 100 USD',
    );
    expect(refusal(SELL, '0.01', '10')).toBe(
      "quantity: the trade takes 0.01 BTC; the portfolio holds 0 of 'BTC-USD'",
    );
    const early = { ...of, amount: '1', occurredAt: seconds(nowMs - 11_000) };
    expect(portfolio.refusal(Deposit, early)).toBe(
      'occurred_at: occurred_at is 2026-01-02T11:59:49Z; it cannot be before the last activity, at ' +
        '2026-01-02T11:59:50Z',
    );
    const unknown = opened(deciderOf('instrument').initial);
    expect(unknown.refusal(Trade, trade(BUY, '1', '1'))).toBe(
      "instrument_id: instrument_id is 'BTC-USD', which is not registered",
    );
    const inEuro = given('instrument');
    inEuro.when(Register, { ...terms, quoteCurrency: 'EUR' });
    expect(opened(inEuro.state()).refusal(Trade, trade(BUY, '1', '1'))).toBe(
      "instrument_id: instrument_id is 'BTC-USD', which is quoted in EUR; the portfolio is kept in " +
        'USD',
    );
  });

  test('names the least quantity as a whole number of lots', () => {
    const least = (lotSize: string, minimumOrderSize: string) => {
      const instrument = given('instrument');
      instrument.when(Register, { ...terms, lotSize, minimumOrderSize });
      return opened(instrument.state()).refusal(Trade, trade(BUY, '0.001', '1'));
    };
    expect(least('0.1', '')).toMatch(/and the least quantity is 0\.1$/);
    expect(least('0.3', '1')).toMatch(/and the least quantity is 1\.2$/);
  });

  test('keeps products to the last digit, whatever the tick and the lot', () => {
    const fine = given('instrument');
    const finest = '0.000000000000000001';
    const steps = { tickSize: finest, lotSize: finest, minimumOrderSize: '' };
    fine.when(Register, { ...terms, ...steps });
    const portfolio = opened(fine.state());
    portfolio.when(Deposit, { ...of, amount: '1' });
    const one = '0.111111111111111111';
    const change = '0.012345679012345678987654320987654321';
    expect(portfolio.when(Trade, trade(BUY, one, one))).toMatchObject([
      { cashChange: `-${change}`, cash: '0.987654320987654321012345679012345679' },
    ]);
    const all = { ...of, amount: '0.987654320987654321012345679012345679' };
    expect(portfolio.when(Withdraw, all)).toMatchObject([{ cash: '0' }]);
  });

  test('keeps no more than one command can take out again', () => {
    const portfolio = opened();
    const most = '99999999999999999999.999999999999999999';
    portfolio.when(Deposit, { ...of, amount: most });
    expect(portfolio.refusal(Deposit, { ...of, amount: '0.000000000000000001' })).toBe(
      'amount: the cash of the portfolio would be 100000000000000000000; it has to stay below ' +
        '100000000000000000000',
    );
    expect(portfolio.names(Deposit, { ...of, amount: '1' })).toBe('AMOUNT_TOO_LARGE');
    expect(portfolio.when(Withdraw, { ...of, amount: most })).toMatchObject([{ cash: '0' }]);
    portfolio.when(Deposit, { ...of, amount: most });
    const large = given('instrument');
    large.when(Register, { ...terms, tickSize: '0.000000000000000001', minimumOrderSize: '' });
    const holder = opened(large.state());
    holder.when(Deposit, { ...of, amount: '1' });
    const cheap = trade(BUY, '90000000000000000000', '0.00000000000000000001');
    expect(holder.names(Trade, cheap)).toBe('AMOUNT_NOT_POSITIVE');
    const buy = trade(BUY, '90000000000000000', '0.000000000000000001');
    for (let count = 0; count < 2; count += 1) expect(holder.when(Trade, buy)).toHaveLength(1);
    expect(holder.refusal(Trade, trade(SELL, '100000000000000000', '10000'))).toBe(
      'quantity: the cash of the portfolio would be 1000000000000000000000.82; it has to stay ' +
        'below 100000000000000000000',
    );
  });

  test('attributes a trade to a strategy of its own user only', () => {
    const buyFor = (strategy: unknown) => {
      const portfolio = given('portfolio', { instrument: registered().state(), strategy });
      portfolio.when(Open, {
        ...{ userId: 'alice', portfolioName: 'Savings', baseCurrency: 'USD' },
        costBasisMethod: CostBasisMethod.FIFO,
      });
      portfolio.when(Deposit, { ...of, amount: '1000' });
      return { portfolio, order: trade(BUY, '1', '1', { strategyId: id }) };
    };
    const strategyFor = (userId: string) => {
      const strategy = given('strategy');
      strategy.when(CreateStrategy, strategyOf({ userId }));
      return strategy;
    };
    const mine = strategyFor('alice');
    const { portfolio, order } = buyFor(mine.state());
    expect(portfolio.when(Trade, order)).toMatchObject([{ strategyId: id }]);
    mine.when(Delete, { strategyId: id });
    const archived = buyFor(mine.state());
    expect(archived.portfolio.when(Trade, archived.order)).toMatchObject([{ strategyId: id }]);
    // Another's strategy and none at all are refused in the same words.
    for (const other of [strategyFor('bob').state(), deciderOf('strategy').initial]) {
      const refused = buyFor(other);
      expect(refused.portfolio.names(Trade, refused.order)).toBe('STRATEGY_UNKNOWN');
      expect(refused.portfolio.refusal(Trade, refused.order)).toBe(
        `strategy_id: strategy_id is '${id}'; the user of the portfolio has no such strategy`,
      );
    }
    const related = deciderOf('portfolio').related;
    expect(related?.(create(Trade, trade(BUY, '1', '1')))).toEqual({
      instrument: { category: 'instrument', id: 'BTC-USD' },
    });
    expect(related?.(create(Trade, order))).toMatchObject({
      strategy: { category: 'strategy', id },
    });
  });

  test('takes activities in the order of time, and none from the future', () => {
    const portfolio = opened();
    const at = (ms: number) => ({ ...of, amount: '1', occurredAt: seconds(ms) });
    expect(portfolio.names(Deposit, at(nowMs - 10_000))).toEqual(['CashDeposited']);
    expect(portfolio.names(Deposit, at(nowMs - 11_000))).toBe('ACTIVITY_OUT_OF_ORDER');
    expect(portfolio.names(Deposit, at(nowMs - 10_000))).toEqual(['CashDeposited']);
    expect(portfolio.names(Deposit, at(nowMs + 5 * 60_000 + 1_000))).toBe('ACTIVITY_IN_FUTURE');
    expect(portfolio.names(Deposit, at(nowMs + 5 * 60_000))).toEqual(['CashDeposited']);
  });

  test('has target weights that sum to 1 at most, one for each instrument', () => {
    const portfolio = opened();
    const weights = (...of_: [string, string][]) =>
      portfolio.names(UpdatePortfolio, {
        ...of,
        targetWeights: { weights: of_.map(([instrumentId, weight]) => ({ instrumentId, weight })) },
      });
    expect(weights(['A', '0.6'], ['B', '0.4'])).toEqual(['PortfolioUpdated']);
    expect(weights(['A', '0.6'], ['B', '0.4'])).toEqual([]);
    expect(weights(['A', '0.6'], ['B', '0.41'])).toBe('TARGET_WEIGHTS_OVER_ONE');
    expect(weights(['A', '0.1'], ['A', '0.1'])).toBe('TARGET_WEIGHT_DUPLICATE');
    expect(weights(['A', '1.1'])).toBe('TARGET_WEIGHT_INVALID');
    expect(portfolio.names(UpdatePortfolio, { ...of, portfolioName: 'Pension' })).toEqual([
      'PortfolioUpdated',
    ]);
  });
});

describe('candles', () => {
  const day = 86_400;
  const flat = (start: number, more: object = {}) => ({
    start: BigInt(start * day),
    open: '2',
    high: '3',
    low: '1',
    close: '2',
    volume: '0',
    ...more,
  });
  const series = (instrument: unknown = registered().state()) => {
    const candles = given('candles', { instrument });
    const record = (...of: ReturnType<typeof flat>[]) =>
      candles.when(RecordCandles, {
        instrumentId: 'BTC-USD',
        interval: CandleInterval.CANDLE_INTERVAL_1D,
        candles: of,
      });
    return record;
  };

  test('are recorded in any batches, and no gap is hidden', () => {
    const record = series();
    expect(record(flat(1), flat(2), flat(5))).toMatchObject([
      { gaps: [{ first: BigInt(3 * day), last: BigInt(4 * day) }] },
    ]);
    expect(record(flat(8))).toMatchObject([
      { gaps: [{ first: BigInt(6 * day), last: BigInt(7 * day) }] },
    ]);
    expect(record(flat(3))).toMatchObject([{ candles: [{ start: BigInt(3 * day) }] }]);
    expect(record(flat(4), flat(6), flat(7), flat(9))).toMatchObject([{ gaps: [] }]);
    expect(record(flat(5))).toBe('CANDLE_ALREADY_RECORDED');
  });

  test.each([
    ['CANDLE_OUT_OF_ORDER', [flat(2), flat(1)]],
    ['CANDLE_DUPLICATE', [flat(1), flat(1)]],
    ['CANDLE_START_INVALID', [flat(1, { start: 5n })]],
    ['CANDLE_IN_FUTURE', [flat(1), flat(Math.floor(nowMs / 86_400_000) + 1)]],
    ['CANDLE_HIGH_INVALID', [flat(1, { high: '1.99' })]],
    ['CANDLE_LOW_INVALID', [flat(1, { low: '2.01' })]],
    ['CANDLE_PRICE_NOT_POSITIVE', [flat(1, { low: '0' })]],
  ])('are refused whole with %s', (code, candles) => {
    const record = series();
    expect(record(flat(0), ...candles)).toBe(code);
    expect(record(flat(0))).toHaveLength(1);
  });

  test('name the field at fault', () => {
    const candles = given('candles', { instrument: registered().state() });
    const interval = CandleInterval.CANDLE_INTERVAL_1D;
    const command = { instrumentId: 'BTC-USD', interval, candles: [flat(1), flat(2)] };
    candles.when(RecordCandles, { ...command, candles: [flat(2)] });
    expect(candles.refusal(RecordCandles, command)).toBe(
      'candles[1].start: candles[1].start is 172800 (1970-01-03T00:00:00.000Z), of which there is ' +
        'a candle already',
    );
    const none = given('candles', { instrument: deciderOf('instrument').initial });
    expect(none.refusal(RecordCandles, command)).toBe(
      "instrument_id: instrument_id is 'BTC-USD', which is not registered",
    );
  });

  test('are of a registered instrument', () => {
    expect(series(deciderOf('instrument').initial)(flat(1))).toBe('INSTRUMENT_UNKNOWN');
  });
});
