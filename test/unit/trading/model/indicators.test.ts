import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  Indicator,
  IndicatorTermSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { runningIndicator, warmUpOf } from '../../../../src/trading/model/indicators.ts';

type Fixture = {
  readonly closes: readonly number[];
  readonly cases: readonly {
    readonly indicator: keyof typeof Indicator;
    readonly window: number;
    readonly values: readonly (number | null)[];
  }[];
};

const fixture = JSON.parse(readFileSync('test/fixtures/indicators.json', 'utf8')) as Fixture;

const termOf = (indicator: keyof typeof Indicator, window = 0) =>
  create(IndicatorTermSchema, { indicator: Indicator[indicator], window });

function valuesOf(indicator: keyof typeof Indicator, window: number, closes: readonly number[]) {
  const running = runningIndicator(termOf(indicator, window));
  return closes.map((close, at) => running.next({ close, volume: at }));
}

describe('Indicators of closed candles', () => {
  test.each(fixture.cases)('$indicator($window) is what TA-Lib and pandas say', (one) => {
    const values = valuesOf(one.indicator, one.window, fixture.closes);
    const first = warmUpOf(termOf(one.indicator, one.window)) - 1;
    expect(values.findIndex((value) => value !== undefined)).toBe(first);
    const differing = values.flatMap((value, at) => {
      const expected = one.values[at];
      if (value === undefined || expected === undefined || expected === null) return [];
      const error = Math.abs(value - expected) / Math.max(Math.abs(expected), 1e-3);
      return error < 1e-9 ? [] : [[at, value, expected]];
    });
    expect(differing).toEqual([]);
    expect(one.values.filter((value) => value !== null).length).toBeGreaterThan(100);
  });

  test('by hand', () => {
    expect(valuesOf('PRICE', 0, [3, 5])).toEqual([3, 5]);
    expect(valuesOf('VOLUME', 0, [3, 5])).toEqual([0, 1]);
    expect(valuesOf('SMA', 2, [3, 5, 8])).toEqual([undefined, 4, 6.5]);
    // k = 1/2: 3, then 3 / 2 + 5 / 2, then 4 / 2 + 8 / 2
    expect(valuesOf('EMA', 3, [3, 5, 8])).toEqual([undefined, undefined, 6]);
    // Rises of 2 and 3, then a fall of 2.5: means of 2.5 and 0, then of 1.25 and 1.25.
    expect(valuesOf('RSI', 2, [3, 5, 8, 5.5])).toEqual([undefined, undefined, 100, 50]);
    // The mean of 1 and 3 is 2, the deviation 1, so that the bands are 0 and 4.
    expect(valuesOf('BOLLINGER', 2, [1, 3])).toEqual([undefined, 0.75]);
  });

  test('what has no value has none', () => {
    expect(valuesOf('BOLLINGER', 2, [5, 5, 5])).toEqual([undefined, undefined, undefined]);
    expect(valuesOf('RSI', 1, [5, 6, 4, 4])).toEqual([undefined, 100, 0, 100]);
  });
});
