import {
  add,
  type Decimal,
  decimal,
  maxFractionDigits,
  maxSignificantDigits,
  round,
  toText,
} from '../../kernel/decimal.ts';

/**
 * As many digits behind the point as `decimal` reads again: at most 20, and fewer where more than 20
 * stand before it.
 */
export function fractionDigitsFor(value: Decimal): number {
  return Math.min(maxFractionDigits, maxSignificantDigits - Math.max(0, value.e + 1));
}

/**
 * The text of an amount that `decimal` reads again, rounded half up. Sums of recorded amounts have
 * no more digits than that, unless they go beyond 10^20.
 */
export function amountText(value: Decimal): string {
  return toText(round(value, fractionDigitsFor(value), 'HALF_UP'));
}

export function sumText(a: string, b: string): string {
  return amountText(add(decimal(a), decimal(b)));
}
