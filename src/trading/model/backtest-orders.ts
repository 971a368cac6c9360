import { add, type Decimal, isPositive, min, sub, zero } from '../../kernel/decimal.ts';
import { type Account, averagePrice, isFlat, type TradeReason } from './backtest-account.ts';
import { exitPlacedAfter, exitPrices, levelReachedBy } from './exit-levels.ts';
import {
  type FillCandle,
  type FillModel,
  type FillOutcome,
  type FillRules,
  fillsOf,
  type WorkingOrder,
} from './fills.ts';
import { type Protection, protectionOf, type RiskLimits } from './risk.ts';

/** An order at the venue, and why it is there. */
export type PlacedOrder = { readonly order: WorkingOrder; readonly reason: TradeReason };

/** What a candle did to an order. */
export type Worked = { readonly placed: PlacedOrder; readonly outcome: FillOutcome };

/** A position as it is at the end of a candle, and where it is to be left from the next one on. */
export type Watched = { readonly levels: Protection; readonly quantity: Decimal };

export type Market = { readonly model: FillModel; readonly rules: FillRules };

/** Sales are of no more than there is. */
export function work(
  { order, reason }: PlacedOrder,
  candle: FillCandle,
  { position }: Account,
  { model, rules }: Market,
): Worked {
  const left = min(sub(order.quantity, order.filled), position);
  const held = order.side === 'SELL' ? { ...order, quantity: add(order.filled, left) } : order;
  return { placed: { order: held, reason }, outcome: fillsOf(held, candle, model, rules) };
}

export function watchedOf(account: Account, limits: RiskLimits): Watched | undefined {
  if (isFlat(account) || !isPositive(account.bought)) return undefined;
  const levels = protectionOf(limits, averagePrice(account), account.best);
  return { levels, quantity: account.position };
}

/** The sale that a candle leads to by reaching a level; it can fill it, too. */
export function exitBy(
  candle: FillCandle,
  { levels, quantity }: Watched,
  { model, rules }: Market,
  nextId: () => string,
): PlacedOrder | undefined {
  const reached = levelReachedBy(candle, levels, rules.tickSize);
  if (reached === undefined) return undefined;
  const placedAfter = exitPlacedAfter(candle, model.delayCandles);
  const sale = { id: nextId(), side: 'SELL' as const, quantity, filled: zero, spent: zero };
  return { order: { ...sale, ...exitPrices(reached), placedAfter }, reason: reached.reason };
}
