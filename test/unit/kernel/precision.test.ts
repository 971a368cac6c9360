import { describe, expect, test } from '@jest/globals';
import { Big } from 'big.js';
import fc from 'fast-check';
import { abs, compare, decimal, sub, toText } from '../../../src/kernel/decimal.ts';
import {
  type PrecisionMode,
  roundToDecimalPlaces,
  roundToSignificantDigits,
  roundToTick,
  toPaddedText,
  toPrecisionText,
  truncateToLot,
} from '../../../src/kernel/precision.ts';
import { sharedData } from '../../support/shared-data.ts';

type Case = [string, 'ROUND' | 'TRUNCATE', number, PrecisionMode, 0 | 1, string];

const { cases } = JSON.parse(sharedData('oracles/ccxt-precision-cases.json')) as { cases: Case[] };

/** The cases hold precisions as numbers: 1.2e-7 is meant as the decimal that it prints as. */
const decimalOf = (precision: number) => decimal(new Big(String(precision)).toFixed());

describe('as ccxt rounds', () => {
  test('there are cases of every mode', () => {
    const modes = new Set(cases.map(([, , , mode]) => mode));
    expect([...modes].sort()).toEqual(['DECIMAL_PLACES', 'SIGNIFICANT_DIGITS', 'TICK_SIZE']);
  });

  test.each(cases)(
    '%s %s to %s %s, padded %s: %s',
    (input, how, precision, mode, pad, expected) => {
      const rounding = how === 'ROUND' ? 'HALF_UP' : 'TRUNCATE';
      const text = toPrecisionText(decimal(input), rounding, decimalOf(precision), mode, pad === 1);
      expect(text).toBe(expected);
    },
  );

  test.each(cases.filter(([, , , mode]) => mode === 'TICK_SIZE'))(
    '%s %s to a step of %s',
    (input, how, precision, _mode, _pad, expected) => {
      const toStep = how === 'ROUND' ? roundToTick : truncateToLot;
      const value = toStep(decimal(input), decimalOf(precision));
      expect(toText(value)).toBe(toText(decimal(expected)));
    },
  );
});

const cents = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => decimal(`${n}`));
const steps = fc.integer({ min: 1, max: 5000 }).map((n) => decimal(`${n}`));

describe('steps', () => {
  test('a price moves by half a tick at most, a quantity never up', () => {
    fc.assert(
      fc.property(cents, steps, (value, step) => {
        const price = roundToTick(value, step);
        const off = abs(sub(price, value));
        expect(compare(off.times('2'), step)).toBeLessThanOrEqual(0);
        expect(Number(toText(price)) % Number(toText(step))).toBeCloseTo(0, 12);
        const lots = truncateToLot(value, step);
        expect(compare(abs(lots), abs(value))).toBeLessThanOrEqual(0);
        expect(compare(abs(sub(value, lots)), step)).toBe(-1);
      }),
    );
  });

  test.each(['0', '-0.1'])('a step of %s is a fault', (step) => {
    expect(() => roundToTick(decimal('1'), decimal(step))).toThrow(
      new RangeError(`a step of ${step} is not over 0`),
    );
  });
});

describe('digits', () => {
  test('decimal places and significant digits of zero are zero', () => {
    const none = decimal('0');
    expect(toText(roundToDecimalPlaces(none, 2, 'HALF_UP'))).toBe('0');
    expect(toText(roundToSignificantDigits(none, 2, 'HALF_UP'))).toBe('0');
    expect(() => roundToSignificantDigits(none, 0, 'HALF_UP')).toThrow(RangeError);
  });

  test('padding adds zeros and takes nothing away', () => {
    expect(toPaddedText(decimal('5'), 2)).toBe('5.00');
    expect(toPaddedText(decimal('0'), 1)).toBe('0.0');
    expect(toPaddedText(decimal('-1.25'), 1)).toBe('-1.25');
    expect(toPaddedText(decimal('5'), 0)).toBe('5');
  });
});
