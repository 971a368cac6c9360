import { describe, expect, test } from '@jest/globals';
import { Big } from 'big.js';
import fc from 'fast-check';
import {
  abs,
  add,
  compare,
  DecimalError,
  decimal,
  divide,
  fractionDigitsOf,
  isDecimal,
  isNegative,
  isPositive,
  isZero,
  max,
  min,
  mul,
  neg,
  type Rounding,
  round,
  sub,
  toNumber,
  toText,
  zero,
} from '../../../src/kernel/decimal.ts';

/** The exact arithmetic to compare with: integers in units of 10^-digits. */
function textOf(units: bigint, digits: number): string {
  const sign = units < 0n ? '-' : '';
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  const fraction = text.slice(text.length - digits).replace(/0+$/, '');
  return `${sign}${text.slice(0, text.length - digits)}${fraction && `.${fraction}`}`;
}

const units = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n });
/** Small numbers as well: near zero is where exponents go wrong. */
const mixedUnits = fc.oneof(units, fc.bigInt({ min: -1000n, max: 1000n }));

describe('reading and writing', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['0.000', '0'],
    ['1.50', '1.5'],
    ['-0.1', '-0.1'],
    ['007', '7'],
    ['100', '100'],
    ['1000000000000000000000000', '1000000000000000000000000'],
    ['0.00000000000000000001', '0.00000000000000000001'],
    ['-12.0300', '-12.03'],
    ['1234567890123456789012345678901234567890', '1234567890123456789012345678901234567890'],
  ])('%s is %s', (text, canonical) => {
    expect(isDecimal(text)).toBe(true);
    expect(toText(decimal(text))).toBe(canonical);
  });

  test.each([
    ['', 'it is empty'],
    ['-', 'a digit is missing'],
    ['.', 'only digits'],
    ['.5', 'only digits'],
    ['-.5', 'only digits'],
    ['5.', 'a digit is missing'],
    ['1e3', 'only digits'],
    ['1E-3', 'only digits'],
    ['NaN', 'only digits'],
    ['Infinity', 'only digits'],
    ['+1', 'only digits'],
    [' 1', 'only digits'],
    ['1 ', 'only digits'],
    ['1,5', 'only digits'],
    ['1.2.3', 'only digits'],
    ['--1', 'only digits'],
    ['0x1f', 'only digits'],
    ['١', 'only digits'],
    [`0.${'0'.repeat(36)}1`, 'more than 36 fraction digits'],
    ['1'.repeat(61), 'more than 60 significant digits'],
    ['0'.repeat(65), 'it is longer than 64 characters'],
  ])('%j is refused: %s', (text, problem) => {
    expect(isDecimal(text)).toBe(false);
    expect(() => decimal(text)).toThrow(DecimalError);
    expect(() => decimal(text)).toThrow(problem);
  });

  test('the error names the value, shortened', () => {
    const value = 'x'.repeat(1000);
    try {
      decimal(value);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_DECIMAL', value });
      expect((error as Error).message).toBe(
        `"${'x'.repeat(64)}…" is not a decimal: it is longer than 64 characters`,
      );
    }
    expect.assertions(2);
  });

  test('any text either reads to the value that big.js reads, or is refused', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', 'e'), maxLength: 12 });
    fc.assert(
      fc.property(text, (input) => {
        if (isDecimal(input)) {
          expect(toText(decimal(input))).toBe(new Big(input).toFixed());
          expect(toNumber(decimal(input))).toBeCloseTo(Number(input), 12);
        } else expect(input).not.toMatch(/^-?\d+(\.\d+)?$/);
      }),
    );
  });

  test('canonical text reads back to itself', () => {
    fc.assert(
      fc.property(mixedUnits, fc.integer({ min: 0, max: 20 }), (value, digits) => {
        const text = textOf(value, digits);
        expect(toText(decimal(text))).toBe(text);
        expect(fractionDigitsOf(decimal(text))).toBe(text.split('.')[1]?.length ?? 0);
      }),
    );
  });
});

describe('arithmetic', () => {
  test('is exact: as integers are', () => {
    fc.assert(
      fc.property(mixedUnits, mixedUnits, fc.integer({ min: 0, max: 20 }), (a, b, digits) => {
        const [x, y] = [decimal(textOf(a, digits)), decimal(textOf(b, digits))];
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(toText(add(x, y))).toBe(textOf(a + b, digits));
        expect(toText(sub(x, y))).toBe(textOf(a - b, digits));
        expect(toText(mul(x, y))).toBe(textOf(a * b, digits * 2));
        expect(toText(neg(x))).toBe(textOf(-a, digits));
        expect(toText(abs(x))).toBe(textOf(a < 0n ? -a : a, digits));
        expect(compare(x, y)).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(toText(min(x, y))).toBe(textOf(low, digits));
        expect(toText(max(x, y))).toBe(textOf(high, digits));
        expect([isNegative(x), isZero(x), isPositive(x)]).toEqual([a < 0n, a === 0n, a > 0n]);
      }),
    );
  });

  test('the operands stay as they are', () => {
    const [a, b] = [decimal('1.5'), decimal('-100.25')];
    for (const operation of [add, sub, mul, compare, min, max]) operation(a, b);
    divide(a, b, { fractionDigits: 3, rounding: 'UP' });
    neg(a);
    abs(b);
    round(b, 1, 'HALF_UP');
    expect([toText(a), toText(b)]).toEqual(['1.5', '-100.25']);
  });

  test('there is no minus zero', () => {
    const minusTwo = decimal('-2');
    for (const value of [neg(zero), mul(zero, minusTwo), add(minusTwo, decimal('2'))]) {
      expect([toText(value), isNegative(value), isZero(value)]).toEqual(['0', false, true]);
    }
    expect(toText(round(decimal('-0.4'), 0, 'HALF_UP'))).toBe('0');
  });
});

describe('division and rounding', () => {
  test.each<[string, Rounding, string]>([
    ['2.5', 'HALF_UP', '3'],
    ['-2.5', 'HALF_UP', '-3'],
    ['2.5', 'HALF_EVEN', '2'],
    ['3.5', 'HALF_EVEN', '4'],
    ['-2.5', 'HALF_EVEN', '-2'],
    ['2.500001', 'HALF_EVEN', '3'],
    ['2.9', 'TRUNCATE', '2'],
    ['-2.9', 'TRUNCATE', '-2'],
    ['2.0001', 'UP', '3'],
    ['-2.0001', 'UP', '-3'],
    ['2', 'UP', '2'],
  ])('%s by %s is %s', (value, rounding, expected) => {
    expect(toText(round(decimal(value), 0, rounding))).toBe(expected);
  });

  test('a quotient is the one that big.js finds digit by digit', () => {
    const modes: Rounding[] = ['TRUNCATE', 'HALF_UP', 'HALF_EVEN', 'UP'];
    const digits = fc.integer({ min: 0, max: 20 });
    const mode = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(mixedUnits, mixedUnits, digits, digits, digits, mode, (a, b, m, n, dp, rm) => {
        fc.pre(b !== 0n);
        const Reference = Big();
        Reference.DP = dp;
        Reference.RM = rm;
        const [x, y] = [textOf(a, m), textOf(b, n)];
        const options = { fractionDigits: dp, rounding: modes[rm] as Rounding };
        expect(toText(divide(decimal(x), decimal(y), options))).toBe(
          new Reference(x).div(y).toFixed(),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('negative fraction digits round to tens and hundreds', () => {
    expect(toText(round(decimal('1250'), -2, 'HALF_UP'))).toBe('1300');
    expect(toText(round(decimal('1249.99'), -2, 'HALF_UP'))).toBe('1200');
    expect(toText(round(decimal('49'), -2, 'HALF_UP'))).toBe('0');
  });

  test('by zero is a fault', () => {
    const options = { fractionDigits: 2, rounding: 'HALF_UP' } as const;
    expect(() => divide(decimal('1'), zero, options)).toThrow(new RangeError('1 divided by zero'));
  });
});
