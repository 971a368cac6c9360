import {
  type DatedValue,
  isUndefined,
  type Measure,
  type MeasureValue,
  measureOf,
  method,
  type UndefinedMeasure,
  undefinedMeasure,
} from './measure.ts';
import { returnResolution } from './series.ts';

/** The deepest fall; its dates are absent where the value never fell, and the value is 0. */
export interface DrawdownValue extends MeasureValue {
  /** The last day at the running maximum. YYYY-MM-DD, as all three. */
  readonly peakDate?: string;
  /** The first day at the lowest point. */
  readonly troughDate?: string;
  /** The first day back at the value of the peak; absent while that has not come. */
  readonly recoveryDate?: string;
}

export type Drawdown = DrawdownValue | UndefinedMeasure;

/**
 * The maximum drawdown of values by day, oldest first, the first of which is the initial value.
 * Values of a portfolio with deposits must come as a wealth index: else a withdrawal is a fall.
 */
export function maximumDrawdown(values: readonly DatedValue[]): Drawdown {
  const name = method.maximumDrawdown;
  if (values.length < 2) return undefinedMeasure(name, 'NO_RETURNS');
  let peak = values[0] as DatedValue;
  if (!(peak.value > 0)) return undefinedMeasure(name, 'NO_CAPITAL');
  // A fall below the resolution is no fall: the next figure is a quotient with it.
  let depth = -returnResolution;
  let deepest: { peak: DatedValue; trough: number } | undefined;
  for (const [at, day] of values.entries()) {
    if (!Number.isFinite(day.value)) return undefinedMeasure(name, 'NOT_FINITE');
    if (day.value >= peak.value) peak = day;
    const fall = day.value / peak.value - 1;
    if (fall < depth) {
      depth = fall;
      deepest = { peak, trough: at };
    }
  }
  if (deepest === undefined) return { method: name, value: 0 };
  const { peak: from, trough } = deepest;
  const recovery = values.find(({ value }, at) => at > trough && value >= from.value);
  return {
    method: name,
    value: depth,
    peakDate: from.date,
    troughDate: (values[trough] as DatedValue).date,
    ...(recovery && { recoveryDate: recovery.date }),
  };
}

/** The growth per year for each unit of the deepest fall. Undefined where either is. */
export function calmar(growth: Measure, drawdown: Drawdown): Measure {
  const name = method.calmar;
  if (isUndefined(growth)) return undefinedMeasure(name, growth.undefined);
  if (isUndefined(drawdown)) return undefinedMeasure(name, drawdown.undefined);
  if (drawdown.value === 0) return undefinedMeasure(name, 'NO_DRAWDOWN');
  return measureOf(name, growth.value / Math.abs(drawdown.value));
}
