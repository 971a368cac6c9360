import {
  add,
  type Decimal,
  decimal,
  fractionDigitsOf,
  maxFractionDigits,
  maxSignificantDigits,
  round,
  toText,
} from '../../kernel/decimal.ts';

/**
 * As many digits behind the point as `decimal` reads again: at most 36, and fewer where more than 24
 * stand before it.
 */
function fractionDigitsFor(value: Decimal): number {
  return Math.min(maxFractionDigits, maxSignificantDigits - Math.max(0, value.e + 1));
}

const quotientDigits = 20;

/** The digits behind the point that a part of the value is rounded to: never fewer than it has. */
export function fractionDigitsOfPart(value: Decimal): number {
  return Math.min(Math.max(quotientDigits, fractionDigitsOf(value)), fractionDigitsFor(value));
}

/**
 * The text of an amount that `decimal` reads again, rounded half up. Sums of recorded amounts have
 * no more digits than that, unless they go beyond 10^24.
 */
export function amountText(value: Decimal): string {
  return toText(round(value, fractionDigitsFor(value), 'HALF_UP'));
}

export function sumText(a: string, b: string): string {
  return amountText(add(decimal(a), decimal(b)));
}
