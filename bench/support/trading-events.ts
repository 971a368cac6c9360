import {
  CandlesRecordedSchema,
  CashDepositedSchema,
  CashWithdrawnSchema,
  InstrumentRegisteredSchema,
  PortfolioOpenedSchema,
  TradeRecordedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { commandEvent, decimalText, owner, type StreamEvent, uuidOf } from './events.ts';

// Events as the write side leaves them: what they say of cash and positions adds up.

export const instruments = 100;
const instrumentsOfPortfolio = 6;
export const dayMs = 86_400_000;

// Prices have two decimal places and quantities three, so amounts have five; all are integers here.
const places = { price: 2, quantity: 3, amount: 5 } as const;

export type Portfolio = {
  readonly id: string;
  cash: number;
  readonly positions: Map<string, number>;
};

export function registered(index: number, atMs: number): StreamEvent {
  const instrumentId = instrumentOf(index);
  const data = {
    ...{ instrumentId, description: `Asset ${index} in dollars`, market: 'bench' },
    ...{ assetClass: 'ASSET_CLASS_CRYPTO', baseAsset: `A${index}X`, quoteCurrency: 'USD' },
    ...{ tickSize: '0.01', lotSize: '0.001', minimumOrderSize: '0', registeredAt: timeText(atMs) },
  };
  const event = commandEvent(InstrumentRegisteredSchema, uuidOf(instrumentId), data, atMs);
  return { stream: `instrument-${instrumentId}`, event };
}

export function portfolioOf(index: number): Portfolio {
  return { id: uuidOf(`portfolio ${index}`), cash: 0, positions: new Map() };
}

export function opened(
  { id }: Portfolio,
  index: number,
  atMs: number,
  portfolioName = `Portfolio ${index}`,
  userId = owner,
): StreamEvent {
  const data = {
    ...{ portfolioId: id, userId, portfolioName },
    ...{ baseCurrency: 'USD', costBasisMethod: 'COST_BASIS_METHOD_FIFO' },
    openedAt: timeText(atMs),
  };
  const event = commandEvent(PortfolioOpenedSchema, uuidOf(`event ${index}`), data, atMs);
  return { stream: `portfolio-${id}`, event };
}

export function candles(instrument: number, index: number, atMs: number): StreamEvent {
  const instrumentId = instrumentOf(instrument);
  const price = decimalText(priceOf(instrument, atMs), places.price);
  const start = `${Math.floor(atMs / dayMs) * (dayMs / 1_000)}`;
  const candle = { start, open: price, high: price, low: price, close: price, volume: '1000' };
  const data = {
    ...{ instrumentId, interval: 'CANDLE_INTERVAL_1D', candles: [candle] },
    recordedAt: timeText(atMs),
  };
  const event = commandEvent(CandlesRecordedSchema, uuidOf(`event ${index}`), data, atMs);
  return { stream: `candles-${instrumentId}-1d`, event };
}

/** kind: below 170 a deposit, below 200 a withdrawal, a trade otherwise. */
export function activity(
  portfolio: Portfolio,
  kind: number,
  random: () => number,
  index: number,
  atMs: number,
): StreamEvent {
  const stream = `portfolio-${portfolio.id}`;
  const id = uuidOf(`event ${index}`);
  const amount = 10 ** places.amount * (100 + Math.floor(random() * 900));
  if (kind < 170) {
    const data = cashMove(portfolio, amount, amount, atMs);
    return { stream, event: commandEvent(CashDepositedSchema, id, data, atMs) };
  }
  if (kind < 200) {
    const data = cashMove(portfolio, amount, -amount, atMs);
    return { stream, event: commandEvent(CashWithdrawnSchema, id, data, atMs) };
  }
  const event = commandEvent(TradeRecordedSchema, id, trade(portfolio, random, id, atMs), atMs);
  return { stream, event };
}

function cashMove(portfolio: Portfolio, amount: number, change: number, atMs: number) {
  portfolio.cash += change;
  return {
    ...{ portfolioId: portfolio.id, userId: owner, currency: 'USD', note: 'savings plan' },
    amount: decimalText(amount, places.amount),
    cash: decimalText(portfolio.cash, places.amount),
    occurredAt: timeText(atMs),
  };
}

/** Buys somewhat more than it sells, and sells what is held. */
function trade(portfolio: Portfolio, random: () => number, tradeId: string, atMs: number) {
  const traded = instrumentsTraded(portfolio);
  const instrument = traded[Math.floor(random() * traded.length)] ?? 0;
  const instrumentId = instrumentOf(instrument);
  const held = portfolio.positions.get(instrumentId) ?? 0;
  const isSale = held > 0 && random() < 0.45;
  const wanted = 10 + Math.floor(random() * 1_000);
  const quantity = isSale ? Math.min(held, wanted) : wanted;
  const price = priceOf(instrument, atMs);
  const fee = 100_000;
  const cashChange = (isSale ? quantity : -quantity) * price - fee;
  const quantityChange = isSale ? -quantity : quantity;
  portfolio.cash += cashChange;
  portfolio.positions.set(instrumentId, held + quantityChange);
  return {
    ...{ portfolioId: portfolio.id, userId: owner, tradeId, instrumentId },
    ...{ baseAsset: `A${instrument}X`, quoteCurrency: 'USD', feeCurrency: 'USD' },
    side: isSale ? 'TRADE_SIDE_SELL' : 'TRADE_SIDE_BUY',
    quantity: decimalText(quantity, places.quantity),
    price: decimalText(price, places.price),
    fee: decimalText(fee, places.amount),
    cashChange: decimalText(cashChange, places.amount),
    quantityChange: decimalText(quantityChange, places.quantity),
    cash: decimalText(portfolio.cash, places.amount),
    position: decimalText(held + quantityChange, places.quantity),
    ...{ costBasisMethod: 'COST_BASIS_METHOD_FIFO', assetClass: 'ASSET_CLASS_CRYPTO' },
    executedAt: timeText(atMs),
  };
}

/** By their numbers. */
export function instrumentsTraded({ id }: Portfolio): readonly number[] {
  const first = Number.parseInt(id.slice(0, 4), 16);
  return Array.from({ length: instrumentsOfPortfolio }, (_, i) => (first + i) % instruments);
}

function instrumentOf(index: number): string {
  return `A${index}X-USD`;
}

/** The price of an instrument at a time. */
export function priceText(instrument: number, atMs: number): string {
  return decimalText(priceOf(instrument, atMs), places.price);
}

/** Around 100 dollars, in waves. */
function priceOf(instrument: number, atMs: number): number {
  const wave = Math.sin(atMs / dayMs / (20 + instrument)) * 2_000;
  return Math.round(10_000 + instrument * 10 + wave);
}

export function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
