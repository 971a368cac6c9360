import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { decimal, mul, neg, sub, toText } from '../../../src/kernel/decimal.ts';
import type { CostBasisMethod } from '../../../src/trading/views/lots/lot.ts';
import { isUndefined } from '../../../src/trading/views/measures/measure.ts';
import { byLot, bySale, roundTripsOf } from '../../../src/trading/views/statistics/round-trips.ts';
import { tradeStatisticsOf } from '../../../src/trading/views/statistics/trade-statistics.ts';

// Random trades against lots matched with exact fractions: test/support/measures-fixture.py made the
// figures.

type Row = {
  readonly name: string;
  readonly trades: readonly (readonly [
    instrumentId: string,
    strategyId: string,
    time: number,
    side: 'BUY' | 'SELL',
    quantity: string,
    price: string,
    fee: string,
  ])[];
  readonly expected: {
    readonly [method: string]: {
      readonly [grouping: string]: { readonly [name: string]: unknown };
    };
  };
};

const lists = readFileSync(resolve(import.meta.dirname, '../../fixtures/measures.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .flatMap((line) => ('tradeList' in line ? [line.tradeList as Row] : []));

/** Numbers out of decimal texts, measures and streaks; null for what is not there. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'string') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isUndefined(value)) return null;
  if ('value' in value) return value.value;
  const { length, from, to } = value as { length: number; from: number; to: number };
  return [length, from, to];
}

function expectSame(name: string, actual: unknown, expected: unknown): void {
  const isClose =
    typeof actual === 'number' &&
    typeof expected === 'number' &&
    Math.abs(actual - expected) <= 1e-9 * Math.abs(expected) + 1e-12;
  if (!isClose) expect([name, actual]).toEqual([name, expected]);
}

function changesOf({ trades }: Row) {
  return trades.map(([instrumentId, strategyId, time, side, quantity, price, fee], at) => {
    const amount = mul(decimal(price), decimal(quantity));
    const cash = side === 'BUY' ? neg(amount) : amount;
    return {
      ...{ id: String(at), instrumentId, strategyId, time },
      quantityChange: toText(side === 'BUY' ? decimal(quantity) : neg(decimal(quantity))),
      cashChange: toText(sub(cash, decimal(fee))),
    };
  });
}

test('the fixture has lists of trades', () => {
  expect(lists.map(({ trades }) => trades.length)).toContain(200);
});

describe.each(lists)('trades: $name', (row) => {
  test.each(Object.keys(row.expected))('%s', (method) => {
    const { trips, positions } = roundTripsOf(method as CostBasisMethod, changesOf(row));
    const actual = {
      lot: byLot(trips),
      sale: bySale(trips),
      lotOfS1: byLot(trips.filter(({ strategyId }) => strategyId === 's1')),
    };
    for (const [grouping, closed] of Object.entries(actual)) {
      const found: { readonly [name: string]: unknown } = tradeStatisticsOf(closed);
      const expected = row.expected[method]?.[grouping] ?? {};
      expect(Object.keys(expected)).toHaveLength(25);
      for (const [name, value] of Object.entries(expected)) {
        expectSame(`${grouping} ${name}`, plain(found[name]), value);
      }
    }
    const realised = [...positions.values()].map((position) => Number(position.realised));
    const net = actual.lot.reduce((sum, { gain }) => sum + Number(gain), 0);
    expectSame(
      'realised',
      net,
      realised.reduce((sum, gain) => sum + gain, 0),
    );
  });
});
