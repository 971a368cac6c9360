import {
  type Decimal,
  divide,
  fractionDigitsOf,
  isZero,
  mul,
  type Rounding,
  round,
  toText,
  zero,
} from './decimal.ts';

// Rounding of prices and quantities as markets ask for it. The modes and their results are those of
// ccxt's decimalToPrecision, which is what clients of such markets round with.

/** A multiple of a step, so many digits behind the point, or so many digits in all. */
export type PrecisionMode = 'TICK_SIZE' | 'DECIMAL_PLACES' | 'SIGNIFICANT_DIGITS';

/** The multiple of `step` that is nearest by the rounding. @throws RangeError unless step > 0 */
function toMultiple(value: Decimal, step: Decimal, rounding: Rounding): Decimal {
  if (step.s < 0 || isZero(step)) throw new RangeError(`a step of ${toText(step)} is not over 0`);
  return mul(divide(value, step, { fractionDigits: 0, rounding }), step);
}

/**
 * The price on the grid of the instrument: half a tick is rounded away from zero.
 *
 * @throws RangeError unless tick > 0
 */
export function roundToTick(price: Decimal, tick: Decimal): Decimal {
  return toMultiple(price, tick, 'HALF_UP');
}

/**
 * The whole lots within the quantity, towards zero: nobody buys or sells more than was asked for.
 *
 * @throws RangeError unless lot > 0
 */
export function truncateToLot(quantity: Decimal, lot: Decimal): Decimal {
  return toMultiple(quantity, lot, 'TRUNCATE');
}

/** The least whole lots that are no less than the quantity. @throws RangeError unless lot > 0 */
export function roundUpToLot(quantity: Decimal, lot: Decimal): Decimal {
  return toMultiple(quantity, lot, 'UP');
}

/** At most so many digits behind the point; negative places round to tens, hundreds, … */
export function roundToDecimalPlaces(value: Decimal, places: number, rounding: Rounding): Decimal {
  return round(value, places, rounding);
}

/** At most so many digits, counted from the first that is not zero. */
export function roundToSignificantDigits(
  value: Decimal,
  digits: number,
  rounding: Rounding,
): Decimal {
  if (!Number.isInteger(digits) || digits < 1) throw new RangeError(`${digits} digits`);
  return isZero(value) ? zero : round(value, digits - 1 - value.e, rounding);
}

/** The text with zeros up to so many fraction digits: "0.01" to four is "0.0100". */
export function toPaddedText(value: Decimal, fractionDigits: number): string {
  const text = toText(value);
  const present = fractionDigitsOf(value);
  if (present >= fractionDigits) return text;
  return `${text}${present === 0 ? '.' : ''}${'0'.repeat(fractionDigits - present)}`;
}

/**
 * A value rounded and written the way a market asks for it, by any mode.
 *
 * precision: the step for TICK_SIZE, a count of digits for the others. With `padWithZero` the text
 * is filled up to as many digits as the precision has.
 *
 * @throws RangeError for a precision that the mode doesn't have
 */
export function toPrecisionText(
  value: Decimal,
  rounding: Rounding,
  precision: Decimal,
  mode: PrecisionMode,
  padWithZero = false,
): string {
  const count = Number(toText(precision));
  switch (mode) {
    case 'TICK_SIZE': {
      const rounded = toMultiple(value, precision, rounding);
      return padWithZero ? toPaddedText(rounded, fractionDigitsOf(precision)) : toText(rounded);
    }
    case 'DECIMAL_PLACES': {
      const rounded = roundToDecimalPlaces(value, count, rounding);
      return padWithZero ? toPaddedText(rounded, count) : toText(rounded);
    }
    case 'SIGNIFICANT_DIGITS': {
      const rounded = roundToSignificantDigits(value, count, rounding);
      return padWithZero ? toPaddedText(rounded, count - 1 - rounded.e) : toText(rounded);
    }
  }
}
