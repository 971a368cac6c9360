import { add, isPositive, min, sub, zero } from '../../kernel/decimal.ts';
import { type Account, averagePrice, isFlat, type TradeReason } from './backtest-account.ts';
import {
  type FillCandle,
  type FillModel,
  type FillOutcome,
  type FillRules,
  fillsOf,
  type WorkingOrder,
} from './fills.ts';
import { protectionOf, type RiskLimits } from './risk.ts';

/** An order at the venue, and why it is there. */
export type PlacedOrder = { readonly order: WorkingOrder; readonly reason: TradeReason };

/** What a candle did to an order. */
export type Worked = { readonly placed: PlacedOrder; readonly outcome: FillOutcome };

/** The two orders of a risk profile; what the one sells, the other one does not. */
export type ProtectiveOrders = {
  readonly stop?: PlacedOrder;
  readonly takeProfit?: PlacedOrder;
};

type Market = { readonly model: FillModel; readonly rules: FillRules };

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

/**
 * Which of the two a candle fills. What the opening is beyond comes first; of what is reached later in
 * one and the same candle nobody knows the order, so it is the stop.
 */
export function workProtective(
  { stop, takeProfit }: ProtectiveOrders,
  candle: FillCandle,
  account: Account,
  market: Market,
): Worked | undefined {
  const stopped = stop && work(stop, candle, account, market);
  const taken = takeProfit && work(takeProfit, candle, account, market);
  const isAtOpening = (worked: Worked | undefined) => worked?.outcome.fills[0]?.at === candle.start;
  if (stopped === undefined || (isAtOpening(taken) && !isAtOpening(stopped))) {
    return taken?.outcome.fills.length === 0 ? undefined : taken;
  }
  if (stopped.outcome.triggered) return stopped;
  return taken?.outcome.fills.length === 0 ? undefined : taken;
}

/**
 * The protective orders of the position as it is at the end of a candle. Those that are there keep
 * the time of their placing, and a stop that was reached stays reached.
 */
export function protectiveOrders(
  before: ProtectiveOrders,
  account: Account,
  limits: RiskLimits,
  { start }: FillCandle,
  nextId: () => string,
): ProtectiveOrders {
  if (isFlat(account) || !isPositive(account.bought)) return {};
  const { stop, takeProfit } = protectionOf(limits, averagePrice(account), account.best);
  const sale = (there: PlacedOrder | undefined): WorkingOrder => ({
    ...(there?.order ?? { id: nextId(), side: 'SELL' as const, placedAfter: start }),
    ...{ quantity: account.position, filled: zero, spent: zero },
  });
  return {
    ...(stop && {
      stop: { order: { ...sale(before.stop), stopPrice: stop.price }, reason: stop.reason },
    }),
    ...(takeProfit && {
      takeProfit: {
        order: { ...sale(before.takeProfit), limitPrice: takeProfit },
        reason: 'TAKE_PROFIT' as const,
      },
    }),
  };
}
