import { decimal, isNegative, isPositive, neg, toText } from '../../../kernel/decimal.ts';
import { sumText } from '../amounts.ts';
import { applyBuy, applySell, type CostBasisPosition, type Sale } from '../cost-basis.ts';

/** A trade by what it changed. Amounts are decimal texts. */
export type TradeChange = {
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly time: number;
  /** Of the position: a fee in the base asset is taken off. */
  readonly quantityChange: string;
  /** Of the cash: a fee in the quote currency is taken off. */
  readonly cashChange: string;
};

export type TradeEffect = {
  readonly position: CostBasisPosition;
  /** What the trade realised; "0" for a purchase. */
  readonly realised: string;
  /** What was sold, and from which lots; absent for a purchase. */
  readonly sale?: Sale;
};

/** In one form for all lots, so that it compares as text. */
export function lotTime(time: number): string {
  return String(time).padStart(15, '0');
}

/**
 * The position after the trade, and what the trade realised. A purchase whose fee is all that it
 * bought, or more, leaves no lot: what was paid is lost, and what more the fee took is sold.
 */
export function applyTrade(before: CostBasisPosition, trade: TradeChange): TradeEffect {
  const { id, time, quantityChange, cashChange } = trade;
  const change = decimal(quantityChange);
  if (isNegative(change)) {
    const sell = { quantity: toText(neg(change)), proceeds: toText(decimal(cashChange)) };
    const { position, ...sale } = applySell(before, sell);
    return { position, realised: sale.realised, sale };
  }
  if (!isPositive(change)) {
    const realised = toText(decimal(cashChange));
    const cost = toText(neg(decimal(cashChange)));
    const sale = { realised, cost, consumed: [], missing: '0' };
    return {
      position: { ...before, realised: sumText(before.realised, realised) },
      realised,
      sale,
    };
  }
  const paid = toText(neg(decimal(cashChange)));
  const buy = { id, time: lotTime(time), quantity: toText(change), cost: paid };
  return { position: applyBuy(before, buy), realised: '0' };
}
