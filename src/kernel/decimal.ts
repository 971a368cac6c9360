import { Big } from 'big.js';

// Exact decimals for amounts, over big.js: sums, differences and products are exact; only `divide`
// and `round` lose digits, and they say how. On the hot path of every command: texts are scanned by
// hand, and divisions are made on bigints, which is ten times as fast as digit by digit.

/** An exact decimal number. Never changed in place; made by `decimal`, written by `toText`. */
export type Decimal = Readonly<Big>;

/** HALF_UP: a half goes away from zero. TRUNCATE: towards zero. UP: away from zero. */
export type Rounding = 'HALF_UP' | 'HALF_EVEN' | 'TRUNCATE' | 'UP';

/**
 * How many digits an amount may be written with; leading zeros do not count as significant. A price
 * and a quantity come with up to 18 behind the point, so that their product, which is kept as it is,
 * has up to 36; 24 are left for those before it.
 */
export const maxSignificantDigits = 60;
export const maxFractionDigits = 36;

/** The longest text that is looked at: what is over the limits of digits by far isn't scanned. */
const maxTextLength = 64;

/** A text that is no decimal. The message names it, shortened where it is long. */
export class DecimalError extends Error {
  readonly code = 'INVALID_DECIMAL';
  readonly value: string;

  constructor(value: string, problem: string) {
    const shown = value.length > maxTextLength ? `${value.slice(0, maxTextLength)}…` : value;
    super(`"${shown}" is not a decimal: ${problem}`);
    this.name = 'DecimalError';
    this.value = value;
  }
}

// A constructor of its own: nobody else's settings reach it, and strict mode refuses binary floats.
const Exact = Big();
Exact.strict = true;

export const zero: Decimal = new Exact('0');

const minus = 45;
const point = 46;
const digit0 = 48;
const digit9 = 57;

/** What is wrong with the text, or undefined. */
function problemOf(text: string): string | undefined {
  const length = text.length;
  if (length === 0) return 'it is empty';
  if (length > maxTextLength) return `it is longer than ${maxTextLength} characters`;
  const start = text.charCodeAt(0) === minus ? 1 : 0;
  let pointAt = -1;
  let significant = 0;
  for (let i = start; i < length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === point && pointAt < 0 && i > start) pointAt = i;
    else if (code < digit0 || code > digit9) return 'only digits, one point and a leading minus';
    else if (code !== digit0 || significant > 0) significant += 1;
  }
  if (start === length || pointAt === length - 1) return 'a digit is missing';
  if (significant > maxSignificantDigits) {
    return `more than ${maxSignificantDigits} significant digits`;
  }
  if (pointAt >= 0 && length - pointAt - 1 > maxFractionDigits) {
    return `more than ${maxFractionDigits} fraction digits`;
  }
  return undefined;
}

/** A decimal of the parts that big.js keeps: sign, exponent of the first digit, digits. */
function fromParts(sign: 1 | -1, exponent: number, digits: number[]): Decimal {
  const made = new Exact(zero);
  made.s = sign;
  made.e = exponent;
  made.c = digits;
  return made;
}

/** Whether `decimal` takes the text. */
export function isDecimal(text: string): boolean {
  return problemOf(text) === undefined;
}

/**
 * Reads plain notation: an optional minus, digits, optionally a point and digits ("1.50", "-0.1").
 * No exponent, no plus sign, no blanks; at most 60 significant and 36 fraction digits as written.
 *
 * @throws DecimalError for any other text
 */
export function decimal(text: string): Decimal {
  const problem = problemOf(text);
  if (problem !== undefined) throw new DecimalError(text, problem);
  const length = text.length;
  const digits: number[] = [];
  let integerEnd = length;
  let first = -1;
  let last = -1;
  for (let i = text.charCodeAt(0) === minus ? 1 : 0; i < length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === point) {
      integerEnd = i;
      continue;
    }
    if (code !== digit0) {
      if (first < 0) first = i;
      last = digits.length + 1;
    }
    if (first >= 0) digits.push(code - digit0);
  }
  if (first < 0) return zero;
  digits.length = last;
  const exponent = first < integerEnd ? integerEnd - first - 1 : integerEnd - first;
  return fromParts(text.charCodeAt(0) === minus ? -1 : 1, exponent, digits);
}

/** Canonical text: plain notation, no exponent, no trailing zeros, no minus zero. */
export function toText(value: Decimal): string {
  const { s, e, c } = value;
  const length = c.length;
  if (c[0] === 0) return '0';
  let text = s < 0 ? '-' : '';
  if (e < 0) {
    text += '0.';
    for (let i = e + 1; i < 0; i += 1) text += '0';
    for (let i = 0; i < length; i += 1) text += c[i];
    return text;
  }
  for (let i = 0; i <= e; i += 1) text += i < length ? c[i] : '0';
  if (length > e + 1) text += '.';
  for (let i = e + 1; i < length; i += 1) text += c[i];
  return text;
}

/** The nearest double: for statistics only, never for an amount. */
export function toNumber(value: Decimal): number {
  return Number(toText(value));
}

export function add(a: Decimal, b: Decimal): Decimal {
  return a.plus(b);
}

export function sub(a: Decimal, b: Decimal): Decimal {
  return a.minus(b);
}

export function mul(a: Decimal, b: Decimal): Decimal {
  return a.times(b);
}

export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  return a.cmp(b);
}

export function min(a: Decimal, b: Decimal): Decimal {
  return a.cmp(b) <= 0 ? a : b;
}

export function max(a: Decimal, b: Decimal): Decimal {
  return a.cmp(b) >= 0 ? a : b;
}

export function isZero(value: Decimal): boolean {
  return value.c[0] === 0;
}

export function isNegative(value: Decimal): boolean {
  return value.s < 0 && value.c[0] !== 0;
}

export function isPositive(value: Decimal): boolean {
  return value.s > 0 && value.c[0] !== 0;
}

export function neg(value: Decimal): Decimal {
  return isZero(value) ? zero : value.neg();
}

export function abs(value: Decimal): Decimal {
  return value.abs();
}

/** How many digits stand behind the point: 0 for integers. */
export function fractionDigitsOf(value: Decimal): number {
  return Math.max(0, value.c.length - value.e - 1);
}

function coefficient(value: Decimal): bigint {
  const digits = value.c;
  if (digits.length > 15) return BigInt(digits.join(''));
  let total = 0;
  for (const digit of digits) total = total * 10 + digit;
  return BigInt(total);
}

function roundsAway(quotient: bigint, rest: bigint, divisor: bigint, rounding: Rounding): boolean {
  switch (rounding) {
    case 'TRUNCATE':
      return false;
    case 'UP':
      return rest > 0n;
    case 'HALF_UP':
      return rest * 2n >= divisor;
    case 'HALF_EVEN':
      return rest * 2n > divisor || (rest * 2n === divisor && quotient % 2n === 1n);
  }
}

/** The decimal of an integer >= 0 scaled down by a power of ten. */
function scaled(sign: 1 | -1, integer: bigint, fractionDigits: number): Decimal {
  if (integer === 0n) return zero;
  const text = integer.toString();
  let end = text.length;
  while (text.charCodeAt(end - 1) === digit0) end -= 1;
  const digits: number[] = [];
  for (let i = 0; i < end; i += 1) digits.push(text.charCodeAt(i) - digit0);
  return fromParts(sign, text.length - 1 - fractionDigits, digits);
}

/**
 * a / b, rounded to so many fraction digits (negative: to tens, hundreds, …). Not limited to 36: a
 * quotient that is to be stored must be asked for with digits that `decimal` takes.
 *
 * @throws RangeError if b is zero
 */
export function divide(
  a: Decimal,
  b: Decimal,
  { fractionDigits, rounding }: { readonly fractionDigits: number; readonly rounding: Rounding },
): Decimal {
  if (isZero(b)) throw new RangeError(`${toText(a)} divided by zero`);
  let dividend = coefficient(a);
  let divisor = coefficient(b);
  // value = coefficient * 10^(e - digits + 1)
  const shift = a.e - a.c.length - (b.e - b.c.length) + fractionDigits;
  if (shift >= 0) dividend *= 10n ** BigInt(shift);
  else divisor *= 10n ** BigInt(-shift);
  const quotient = dividend / divisor;
  const away = roundsAway(quotient, dividend % divisor, divisor, rounding);
  return scaled(a.s === b.s ? 1 : -1, away ? quotient + 1n : quotient, fractionDigits);
}

const one: Decimal = new Exact('1');

/** The value with at most so many fraction digits (negative: a multiple of ten, hundred, …). */
export function round(value: Decimal, fractionDigits: number, rounding: Rounding): Decimal {
  return fractionDigitsOf(value) <= fractionDigits
    ? value
    : divide(value, one, { fractionDigits, rounding });
}
