import type { RiskProfile } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  add,
  compare,
  type Decimal,
  decimal,
  isPositive,
  max,
  mul,
  sub,
} from '../../kernel/decimal.ts';

const one = decimal('1');

/** The limits of a risk profile; absent ones limit nothing. Fractions: "0.1" is 10 %. */
export type RiskLimits = {
  readonly maxPositionSize?: Decimal;
  readonly stopLoss?: Decimal;
  readonly takeProfit?: Decimal;
  readonly trailingStopDistance?: Decimal;
  readonly trailingStopOffset?: Decimal;
  readonly maxDrawdown?: Decimal;
  readonly maxLeverage?: Decimal;
  /** 0 for none. */
  readonly maxOpenPositions: number;
  readonly cooldownSeconds: number;
};

const fractions = [
  'maxPositionSize',
  'stopLoss',
  'takeProfit',
  'trailingStopDistance',
  'trailingStopOffset',
  'maxDrawdown',
  'maxLeverage',
] as const;

export function riskLimitsOf(profile: RiskProfile | undefined): RiskLimits {
  const set = fractions.flatMap((name) => {
    const text = profile?.[name] ?? '';
    return text === '' ? [] : [[name, decimal(text)] as const];
  });
  return {
    ...Object.fromEntries(set),
    maxOpenPositions: profile?.maxOpenPositions ?? 0,
    cooldownSeconds: profile?.cooldownSeconds ?? 0,
  };
}

export type StopReason = 'STOP_LOSS' | 'TRAILING_STOP';

/** Where a long position is to be left. */
export type Protection = {
  /** Sold as soon as the price is at or under it; the higher one of stop loss and trailing stop. */
  readonly stop?: { readonly price: Decimal; readonly reason: StopReason };
  /** Sold at it or better. */
  readonly takeProfit?: Decimal;
};

/**
 * The orders that a risk profile derives from a long position.
 *
 * entry: the average price that it was bought at, without fees
 * best: the highest price since; a trailing stop follows it, once the gain is at the offset
 */
export function protectionOf(limits: RiskLimits, entry: Decimal, best: Decimal): Protection {
  const { stopLoss, takeProfit, trailingStopDistance, trailingStopOffset } = limits;
  const fixed = stopLoss && below(entry, stopLoss);
  const follows =
    trailingStopOffset === undefined || compare(best, above(entry, trailingStopOffset)) >= 0;
  const trailing = trailingStopDistance && follows ? below(best, trailingStopDistance) : undefined;
  const stop = higherStop(fixed, trailing);
  return {
    ...(stop && isPositive(stop.price) && { stop }),
    ...(takeProfit && { takeProfit: above(entry, takeProfit) }),
  };
}

const below = (price: Decimal, fraction: Decimal) => mul(price, sub(one, fraction));
const above = (price: Decimal, fraction: Decimal) => mul(price, add(one, fraction));

function higherStop(
  fixed: Decimal | undefined,
  trailing: Decimal | undefined,
): Protection['stop'] | undefined {
  if (trailing === undefined) return fixed && { price: fixed, reason: 'STOP_LOSS' };
  if (fixed !== undefined && compare(fixed, trailing) >= 0) {
    return { price: fixed, reason: 'STOP_LOSS' };
  }
  return { price: max(fixed ?? trailing, trailing), reason: 'TRAILING_STOP' };
}

/** Whether the equity is as far under its peak as the profile allows at most: no more entries. */
export function isDrawnDown(limits: RiskLimits, equity: Decimal, peak: Decimal): boolean {
  const { maxDrawdown } = limits;
  if (maxDrawdown === undefined || compare(equity, peak) >= 0) return false;
  return compare(sub(peak, equity), mul(peak, maxDrawdown)) >= 0;
}

/** Whether an entry has to wait. Times in seconds since 1970; undefined: there was no exit. */
export function isCoolingDown(limits: RiskLimits, exitedAt: number | undefined, now: number) {
  return exitedAt !== undefined && now < exitedAt + limits.cooldownSeconds;
}
