import { add, compare, type Decimal, max, mul, toText } from '../../kernel/decimal.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { isCoolingDown, isDrawnDown, type RiskLimits } from '../model/risk.ts';
import type { SignalAccount } from './account.ts';

export type Purchase = {
  readonly instrumentId: string;
  readonly quantity: Decimal;
  /** Of one unit: the last recorded close. */
  readonly price: Decimal;
  /** By the time of the market: the end of the last recorded candle, in seconds since 1970. */
  readonly nowSeconds: number;
};

/**
 * What the risk profile of a strategy has against a purchase. Positions, their number and the
 * drawdown are those of the portfolio as a whole, whatever strategies trade on it.
 */
export function refuseRisk(
  limits: RiskLimits,
  account: SignalAccount,
  purchase: Purchase,
): Rejection | undefined {
  return (
    refuseDrawdown(limits, account) ??
    refuseCooldown(limits, account, purchase) ??
    refuseCount(limits, account, purchase) ??
    refuseSize(limits, account, purchase) ??
    refuseLeverage(limits, account, purchase)
  );
}

function refuse(code: string, message: string): Rejection {
  return reject('PRECONDITION', code, message);
}

function refuseDrawdown(limits: RiskLimits, { equity, peak }: SignalAccount) {
  if (!isDrawnDown(limits, equity, max(peak, equity))) return undefined;
  const is = `the portfolio is worth ${toText(equity)}, after ${toText(peak)} at its peak`;
  const most = limits.maxDrawdown === undefined ? '' : toText(limits.maxDrawdown);
  return refuse('MAX_DRAWDOWN_REACHED', `${is}; the risk profile allows a drawdown of ${most}`);
}

function refuseCooldown(
  limits: RiskLimits,
  { closedAt }: SignalAccount,
  { instrumentId, nowSeconds }: Purchase,
) {
  if (!isCoolingDown(limits, closedAt, nowSeconds)) return undefined;
  const waits = `the next one is bought ${limits.cooldownSeconds} s after that`;
  return refuse(
    'SIGNAL_COOLDOWN',
    `the position in '${instrumentId}' was closed at ${isoTime(closedAt ?? 0)}; ${waits}`,
  );
}

function refuseCount(
  { maxOpenPositions: most }: RiskLimits,
  { open }: SignalAccount,
  { instrumentId }: Purchase,
) {
  if (most === 0 || open.has(instrumentId) || open.size < most) return undefined;
  const message = `there are ${open.size} open positions; the risk profile allows ${most}`;
  return refuse('TOO_MANY_OPEN_POSITIONS', message);
}

function refuseSize(
  { maxPositionSize }: RiskLimits,
  { held, pending, equity }: SignalAccount,
  { instrumentId, quantity, price }: Purchase,
) {
  if (maxPositionSize === undefined) return undefined;
  const value = add(mul(add(held, quantity), price), pending);
  const most = mul(equity, maxPositionSize);
  if (compare(value, most) <= 0) return undefined;
  const would = `the position in '${instrumentId}' would be worth ${toText(value)}`;
  return refuse(
    'POSITION_SIZE_EXCEEDED',
    `${would}; the risk profile allows ${toText(maxPositionSize)} of the equity, ${toText(most)}`,
  );
}

function refuseLeverage(
  { maxLeverage }: RiskLimits,
  { exposure, equity }: SignalAccount,
  { quantity, price }: Purchase,
) {
  if (maxLeverage === undefined) return undefined;
  const after = add(exposure, mul(quantity, price));
  if (compare(after, mul(equity, maxLeverage)) <= 0) return undefined;
  const would = `all positions would be worth ${toText(after)}, with an equity of ${toText(equity)}`;
  return refuse(
    'LEVERAGE_EXCEEDED',
    `${would}; the risk profile allows a leverage of ${toText(maxLeverage)}`,
  );
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
