import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isUndefined, method } from '../../../src/trading/views/measures/measure.ts';
import { type CashFlow, xirr } from '../../../src/trading/views/measures/xirr.ts';
import { sharedData } from '../../support/shared-data.ts';

interface Case {
  readonly name: string;
  readonly expected: number | null;
  readonly flows: readonly [date: string, amount: string][];
}

const { cases } = JSON.parse(sharedData('oracles/xirr-cases.json')) as { cases: Case[] };

const flow = ([date, amount]: readonly [string, string | number]): CashFlow => ({
  date,
  amount: Number(amount),
});

/** Flows a year of 365 days apart. */
const yearly = (...amounts: number[]) =>
  amounts.map((amount, year) => flow([`${2021 + year}-01-01`, amount]));

describe('reference figures', () => {
  test.each(cases)('$name is $expected', ({ flows, expected }) => {
    const result = xirr(flows.map(flow));
    if (expected === null) {
      expect(result).toEqual({ method: method.moneyWeightedReturn, undefined: 'NO_ROOT' });
      return;
    }
    if (isUndefined(result)) throw new Error(`undefined: ${result.undefined}`);
    expect(Math.abs(result.value / expected - 1)).toBeLessThan(1e-9);
  });
});

describe('roots', () => {
  test('a year at ten percent', () => {
    const result = xirr(yearly(-1000, 1100));
    expect(result).toMatchObject({ method: method.moneyWeightedReturn, otherRoots: [] });
    expect(result).toHaveProperty('value', expect.closeTo(0.1, 14));
  });

  test('nothing gained is zero', () => {
    expect(xirr(yearly(-1000, 400, 600))).toHaveProperty('value', expect.closeTo(0, 14));
  });

  test('of two roots the one at which the present value falls, and the other beside it', () => {
    const result = xirr(yearly(-1000, 2500, -1540));
    expect(result).toHaveProperty('value', expect.closeTo(0.4, 10));
    expect(result).toHaveProperty('otherRoots', [expect.closeTo(0.1, 10)]);
  });

  test('order and several flows on a day make no difference', () => {
    const flows = yearly(-1000, 300, 900);
    const [first, second, third] = flows as [CashFlow, CashFlow, CashFlow];
    const split = [
      third,
      { ...second, amount: 500 },
      { date: first.date, amount: -1000 },
      { ...second, amount: -200 },
    ];
    expect(xirr(split)).toEqual(xirr(flows));
  });

  test('a loss within days that is -100 % a year to the last digit', () => {
    const result = xirr([flow(['2024-01-01', -100]), flow(['2024-01-05', 1])]);
    expect(result).toHaveProperty('value', -1);
  });
});

describe('undefined', () => {
  test.each<[string, CashFlow[], string]>([
    ['no flows', [], 'NO_FLOWS'],
    ['flows that cancel out on their day', [...yearly(5), ...yearly(-5)], 'NO_FLOWS'],
    ['a single day', [flow(['2024-01-01', -5]), flow(['2024-01-01', 6])], 'SINGLE_DATE'],
    ['payments in only', yearly(-5, -6), 'NO_SIGN_CHANGE'],
    ['no rate at all', yearly(-1000, 2000, -1100), 'NO_ROOT'],
    ['a double root', yearly(-1000, 2200, -1210), 'SEVERAL_ROOTS'],
    ['three roots', yearly(-1000, 3600, -4310, 1716), 'SEVERAL_ROOTS'],
    ['a day that is none', [flow(['2024-02-xx', -5]), ...yearly(1, 2)], 'NOT_FINITE'],
  ])('%s', (_name, flows, reason) => {
    expect(xirr(flows)).toEqual({ method: method.moneyWeightedReturn, undefined: reason });
  });

  test('a rate so low that the first payment is lost in the rounding of the last', () => {
    const century = [flow(['1924-01-01', -1e30]), flow(['2024-01-01', 1])];
    expect(xirr(century)).toHaveProperty('undefined', 'NO_ROOT');
  });
});

describe('over random flows', () => {
  const day = fc.integer({ min: 0, max: 7300 });
  const toDate = (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10);
  const amount = fc.integer({ min: -100_000, max: 100_000 });
  const anyFlows = fc.array(fc.record({ date: day.map(toDate), amount }), {
    minLength: 1,
    maxLength: 30,
  });
  const first = (flows: readonly CashFlow[]) =>
    Math.min(...flows.filter((one) => one.amount !== 0).map(({ date }) => Date.parse(date)));

  test('the present value at the root is zero, as far as doubles tell', () => {
    fc.assert(
      fc.property(anyFlows, (flows) => {
        const result = xirr(flows);
        if (isUndefined(result) || result.value === -1) return;
        const start = first(flows);
        const values = flows.map(
          ({ date, amount: paid }) =>
            paid * (1 + result.value) ** (-(Date.parse(date) - start) / 86_400_000 / 365),
        );
        const total = values.reduce((sum, value) => sum + value, 0);
        const size = values.reduce((sum, value) => sum + Math.abs(value), 0);
        // 1 + r near zero has few digits of its own.
        const resolution = 1e-9 + 1e-13 / (1 + result.value);
        expect(Math.abs(total)).toBeLessThanOrEqual(size * resolution);
      }),
      { numRuns: 500 },
    );
  });

  test('known roots are all found', () => {
    const rate = fc.integer({ min: -60, max: 200 }).map((percent) => percent / 100);
    fc.assert(
      fc.property(rate, rate, (a, b) => {
        fc.pre(Math.abs(a - b) > 0.005);
        // -(1 - (1 + a) v) (1 - (1 + b) v), where v is the discount factor of a year
        const flows = yearly(-1e6, 1e6 * (2 + a + b), -1e6 * (1 + a) * (1 + b));
        expect(xirr(flows)).toMatchObject({
          value: expect.closeTo(Math.max(a, b), 9),
          otherRoots: [expect.closeTo(Math.min(a, b), 9)],
        });
      }),
    );
  });

  test('the unit of the amounts makes no difference', () => {
    fc.assert(
      fc.property(anyFlows, (flows) => {
        const scaled = flows.map((one) => ({ ...one, amount: one.amount * 1024 }));
        expect(xirr(scaled)).toEqual(xirr(flows));
      }),
    );
  });
});
