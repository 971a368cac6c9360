import { isDecimal } from '../kernel/decimal.ts';

const leadingZeros = /^0+/;
const trailingZeros = /0+$/;
/** After every digit: a negative number with more digits is the smaller one. */
const afterDigits = '~';

/**
 * A text for a decimal such that texts compare, byte by byte, as the decimals do by value, whatever
 * their number of digits; equal values have the same text ("1.50", "1.5"). Undefined where the text
 * is no decimal.
 *
 * Positive: '1', how many integer digits there are (two digits), these, the fraction without
 * trailing zeros: "9.5" is '10195', "10" is '10210'. Negative: '0', the same with each digit
 * replaced by its complement to nine, and a '~'. Zero is '100'.
 */
export function toSortable(text: string): string | undefined {
  if (!isDecimal(text)) return undefined;
  const negative = text.startsWith('-');
  const point = text.indexOf('.');
  const integer = text
    .slice(negative ? 1 : 0, point < 0 ? undefined : point)
    .replace(leadingZeros, '');
  const fraction = point < 0 ? '' : text.slice(point + 1).replace(trailingZeros, '');
  if (integer === '' && fraction === '') return '100';
  const digits = String(integer.length).padStart(2, '0') + integer + fraction;
  return negative ? `0${complement(digits)}${afterDigits}` : `1${digits}`;
}

/** The shortest decimal that has the text; undefined where none has. */
export function fromSortable(text: string): string | undefined {
  const negative = text.startsWith('0');
  const digits = negative ? complement(text.slice(1, -1)) : text.slice(1);
  const count = Number(digits.slice(0, 2));
  const integer = digits.slice(2, 2 + count) || '0';
  const fraction = digits.slice(2 + count);
  const decimal = `${negative ? '-' : ''}${integer}${fraction === '' ? '' : `.${fraction}`}`;
  return toSortable(decimal) === text ? decimal : undefined;
}

function complement(digits: string): string {
  let result = '';
  for (const digit of digits) result += 9 - Number(digit);
  return result;
}
