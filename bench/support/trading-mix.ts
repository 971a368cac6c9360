import {
  CandlesRecordedSchema,
  CashDepositedSchema,
  CashWithdrawnSchema,
  InstrumentRegisteredSchema,
  PortfolioOpenedSchema,
  StrategyActivatedSchema,
  StrategyCreatedSchema,
  StrategyPausedSchema,
  TradeRecordedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { commandEvent, decimalText, owner, type StreamEvent, uuidOf } from './events.ts';
import { createRandom } from './random.ts';

const instruments = 100;
const instrumentsOfPortfolio = 6;
const startMs = Date.UTC(2022, 0, 1);
const dayMs = 86_400_000;

// Prices have two decimal places and quantities three, so amounts have five; all are integers here.
const places = { price: 2, quantity: 3, amount: 5 } as const;

type Portfolio = {
  readonly id: string;
  cash: number;
  readonly positions: Map<string, number>;
};

/**
 * So many events of trading over four years, the same ones in every run: of a thousand 800 trades,
 * 80 deposits, 30 withdrawals, 40 of strategies, 45 of candles, 5 openings of portfolios.
 */
export function* tradingMix(count: number): Generator<StreamEvent> {
  const random = createRandom(1);
  const portfolios: Portfolio[] = [];
  const strategies: string[] = [];
  const stepMs = Math.floor((4 * 365 * dayMs) / count);
  for (let i = 0; i < count; i += 1) {
    const atMs = startMs + i * stepMs;
    const kind = Math.floor(random() * 1_000);
    if (i < instruments) {
      yield registered(i, atMs);
    } else if (kind < 5 || portfolios.length < 20) {
      yield opened(portfolios, i, atMs);
    } else if (kind < 50) {
      yield candles(Math.floor(random() * instruments), i, atMs);
    } else if (kind < 90) {
      yield strategyEvent(strategies, random, i, atMs);
    } else {
      const portfolio = portfolios[Math.floor(random() * portfolios.length)];
      if (portfolio !== undefined) yield activity(portfolio, kind, random, i, atMs);
    }
  }
}

function registered(index: number, atMs: number): StreamEvent {
  const instrumentId = instrumentOf(index);
  const data = {
    ...{ instrumentId, description: `Asset ${index} in dollars`, market: 'bench' },
    ...{ assetClass: 'ASSET_CLASS_CRYPTO', baseAsset: `A${index}X`, quoteCurrency: 'USD' },
    ...{ tickSize: '0.01', lotSize: '0.001', registeredAt: timeText(atMs) },
  };
  const event = commandEvent(InstrumentRegisteredSchema, uuidOf(instrumentId), data, atMs);
  return { stream: `instrument-${instrumentId}`, event };
}

function opened(portfolios: Portfolio[], index: number, atMs: number): StreamEvent {
  const id = uuidOf(`portfolio ${index}`);
  portfolios.push({ id, cash: 0, positions: new Map() });
  const data = {
    ...{ portfolioId: id, userId: owner, portfolioName: `Portfolio ${index}` },
    ...{ baseCurrency: 'USD', costBasisMethod: 'COST_BASIS_METHOD_FIFO' },
    openedAt: timeText(atMs),
  };
  const event = commandEvent(PortfolioOpenedSchema, uuidOf(`event ${index}`), data, atMs);
  return { stream: `portfolio-${id}`, event };
}

function candles(instrument: number, index: number, atMs: number): StreamEvent {
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

/** Two of five create one. */
function strategyEvent(
  strategies: string[],
  random: () => number,
  index: number,
  atMs: number,
): StreamEvent {
  const id = uuidOf(`event ${index}`);
  const of = strategies[Math.floor(random() * strategies.length)];
  if (of === undefined || random() < 0.4) {
    strategies.push(id);
    const event = commandEvent(StrategyCreatedSchema, id, strategyTerms(id, index, atMs), atMs);
    return { stream: `strategy-${id}`, event };
  }
  const known = { strategyId: of, userId: owner };
  const event =
    random() < 0.5
      ? commandEvent(StrategyActivatedSchema, id, { ...known, activatedAt: timeText(atMs) }, atMs)
      : commandEvent(StrategyPausedSchema, id, { ...known, pausedAt: timeText(atMs) }, atMs);
  return { stream: `strategy-${of}`, event };
}

const adjectives = ['Calm', 'Bold', 'Steady', 'Quick', 'Patient', 'Early', 'Late', 'Broad'];
const nouns = ['Momentum', 'Reversion', 'Breakout', 'Trend', 'Channel', 'Carry', 'Swing', 'Range'];
const indicators = ['SMA', 'EMA', 'RSI', 'MACD', 'BOLLINGER'];

export function strategyTerms(strategyId: string, index: number, atMs: number, userId = owner) {
  const [adjective, noun] = [adjectives[index % 8], nouns[Math.floor(index / 8) % 8]];
  const indicator = `INDICATOR_${indicators[index % indicators.length]}`;
  const rule = {
    indicator: { indicator, window: 5 + (index % 50) },
    ...{ comparator: 'COMPARATOR_BELOW', threshold: '30', action: 'RULE_ACTION_ENTER_LONG' },
  };
  return {
    ...{ strategyId, userId, strategyName: `${adjective} ${noun} ${index}` },
    rules: [rule],
    riskProfile: { stopLoss: '0.05', maxOpenPositions: 3 },
    createdAt: timeText(atMs),
  };
}

function activity(
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
  const first = Number.parseInt(portfolio.id.slice(0, 4), 16);
  const instrument = (first + Math.floor(random() * instrumentsOfPortfolio)) % instruments;
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

function instrumentOf(index: number): string {
  return `A${index}X-USD`;
}

/** Around 100 dollars, in waves. */
function priceOf(instrument: number, atMs: number): number {
  const wave = Math.sin(atMs / dayMs / (20 + instrument)) * 2_000;
  return Math.round(10_000 + instrument * 10 + wave);
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
