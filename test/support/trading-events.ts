import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CandlesRecordedSchema,
  CashDepositedSchema,
  CashWithdrawnSchema,
  InstrumentRegisteredSchema,
  PortfolioOpenedSchema,
  StrategyCreatedSchema,
  type TradeRecorded,
  TradeRecordedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  AssetClass,
  CandleInterval,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { add, decimal, mul, neg, sub, toText } from '../../src/kernel/decimal.ts';
import { createLog, type LoggedEvent } from './project.ts';
import { uuid } from './query-bus.ts';

// Events of trading as the write side decides them, for tests of what is read.

export const dayMs = 86_400_000;
export const dayNumber = (date: string) => Date.parse(date) / dayMs;
const at = (time: string) => timestampFromMs(Date.parse(time));

export function rule(indicator: Indicator, window = 14) {
  return {
    indicator: { indicator, window },
    comparator: Comparator.BELOW,
    against: { case: 'threshold' as const, value: '30' },
    action: RuleAction.ENTER_LONG,
  };
}

/** A story of trading: each call appends events, and gives them. */
export function createStory() {
  const log = createLog();
  const events: LoggedEvent[] = [];
  const append = (stream: string, message: Parameters<typeof log.append>[1]): LoggedEvent => {
    const [event] = log.append(stream, message);
    events.push(event as LoggedEvent);
    return event as LoggedEvent;
  };

  const instrument = (
    instrumentId: string,
    more: Partial<MessageInitShape<typeof InstrumentRegisteredSchema>> = {},
  ) => {
    const [baseAsset = '', quoteCurrency = ''] = instrumentId.split('-');
    const terms = {
      instrumentId,
      description: `${baseAsset} in ${quoteCurrency}`,
      market: 'coinbase',
      assetClass: AssetClass.CRYPTO,
      ...{ baseAsset, quoteCurrency, tickSize: '0.01', lotSize: '0.00000001' },
      minimumOrderSize: '0',
      registeredAt: at('2015-01-01'),
    };
    const message = create(InstrumentRegisteredSchema, { ...terms, ...more } as typeof terms);
    return append(`instrument-${instrumentId}`, message);
  };

  /** Candles that open, close, rise and fall to one price; by start. */
  const candles = (
    instrumentId: string,
    closes: readonly (readonly [start: string, close: string])[],
    interval: CandleInterval = CandleInterval.CANDLE_INTERVAL_1D,
  ) => {
    const rows = closes.map(([start, close]) => {
      const prices = { open: close, high: close, low: close, close };
      return { start: BigInt(Date.parse(start) / 1000), ...prices, volume: '1' };
    });
    const message = create(CandlesRecordedSchema, { instrumentId, interval, candles: rows });
    return append(`candles-${instrumentId}-${interval}`, message);
  };

  const strategy = (
    strategyId: string,
    strategyName: string,
    more: Partial<MessageInitShape<typeof StrategyCreatedSchema>> = {},
  ) => {
    const terms = {
      ...{ strategyId, strategyName, userId: 'alice' },
      rules: [rule(Indicator.RSI)],
      riskProfile: { stopLoss: '0.05', maxOpenPositions: 3 },
      createdAt: at('2016-01-01'),
    };
    const message = create(StrategyCreatedSchema, { ...terms, ...more } as typeof terms);
    return append(`strategy-${strategyId}`, message);
  };

  const portfolio = (
    portfolioId: string,
    more: Partial<MessageInitShape<typeof PortfolioOpenedSchema>> = {},
  ) => {
    const terms = {
      portfolioId,
      userId: 'alice',
      portfolioName: 'Savings',
      baseCurrency: 'USD',
      costBasisMethod: CostBasisMethod.FIFO,
      openedAt: at('2016-01-01'),
      ...more,
    } as const;
    const stream = `portfolio-${portfolioId}`;
    append(stream, create(PortfolioOpenedSchema, terms));
    return portfolioOf(terms, (message) => append(stream, message));
  };

  return { events, append, instrument, candles, strategy, portfolio };
}

type Order = {
  readonly quantity: string;
  readonly price: string;
  readonly fee?: string;
  readonly feeCurrency?: string;
  readonly strategyId?: string;
  readonly assetClass?: AssetClass;
};

let trades = 0;

function portfolioOf(
  terms: {
    readonly portfolioId: string;
    readonly userId: string;
    readonly baseCurrency: string;
    readonly costBasisMethod: CostBasisMethod;
  },
  append: (message: Parameters<ReturnType<typeof createLog>['append']>[1]) => LoggedEvent,
) {
  const { portfolioId, userId, baseCurrency: currency } = terms;
  let cash = decimal('0');
  const held = new Map<string, string>();

  const move = (amount: string, time: string) => ({
    ...{ portfolioId, userId, amount, currency },
    occurredAt: at(time),
  });

  const trade = (side: TradeSide, instrumentId: string, time: string, order: Order) => {
    const { quantity, price, fee = '0', feeCurrency = currency, strategyId = '' } = order;
    const baseAsset = instrumentId.split('-')[0] ?? '';
    const amount = mul(decimal(price), decimal(quantity));
    const sign = (value: typeof amount) => (side === TradeSide.BUY ? value : neg(value));
    const inBase = feeCurrency === baseAsset;
    const cashChange = sub(neg(sign(amount)), inBase ? decimal('0') : decimal(fee));
    const quantityChange = sub(sign(decimal(quantity)), inBase ? decimal(fee) : decimal('0'));
    cash = add(cash, cashChange);
    const position = toText(add(decimal(held.get(instrumentId) ?? '0'), quantityChange));
    held.set(instrumentId, position);
    trades += 1;
    const message: TradeRecorded = create(TradeRecordedSchema, {
      ...{ portfolioId, userId, instrumentId, baseAsset, quoteCurrency: currency, side },
      ...{ quantity, price, fee, feeCurrency, strategyId, position },
      tradeId: uuid(trades),
      cashChange: toText(cashChange),
      quantityChange: toText(quantityChange),
      cash: toText(cash),
      costBasisMethod: terms.costBasisMethod,
      assetClass: order.assetClass ?? AssetClass.CRYPTO,
      executedAt: at(time),
    });
    return append(message);
  };

  return {
    deposit: (amount: string, time: string) => {
      cash = add(cash, decimal(amount));
      const message = { ...move(amount, time), cash: toText(cash) };
      return append(create(CashDepositedSchema, message));
    },
    withdraw: (amount: string, time: string) => {
      cash = sub(cash, decimal(amount));
      const message = { ...move(amount, time), cash: toText(cash) };
      return append(create(CashWithdrawnSchema, message));
    },
    buy: (instrumentId: string, time: string, order: Order) =>
      trade(TradeSide.BUY, instrumentId, time, order),
    sell: (instrumentId: string, time: string, order: Order) =>
      trade(TradeSide.SELL, instrumentId, time, order),
  };
}
