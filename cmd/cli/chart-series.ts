/** Values over time; times are in seconds since 1970 (UTC), ascending. */
export type ChartPoint = { readonly time: number; readonly value: number };

/**
 * So many points at most, that look the same: of each part of the time the first and the last, the
 * lowest and the highest.
 */
export function thinned(points: readonly ChartPoint[], most: number): readonly ChartPoint[] {
  if (points.length <= most) return points;
  const parts = Math.max(1, Math.floor(most / 4));
  const kept: ChartPoint[] = [];
  for (let part = 0; part < parts; part += 1) {
    const from = Math.floor((part * points.length) / parts);
    const until = Math.floor(((part + 1) * points.length) / parts);
    const within = points.slice(from, until);
    const values = within.map(({ value }) => value);
    const marks = [0, within.length - 1, indexOf(values, Math.min), indexOf(values, Math.max)];
    for (const at of [...new Set(marks)].sort((a, b) => a - b)) {
      kept.push(within[at] as ChartPoint);
    }
  }
  return kept;
}

function indexOf(values: readonly number[], which: (...of: number[]) => number): number {
  return values.indexOf(values.reduce((a, b) => which(a, b)));
}

/** How far each value is under the highest one until then: 0 or less. */
export function drawdownsOf(points: readonly ChartPoint[]): readonly ChartPoint[] {
  let peak = Number.NEGATIVE_INFINITY;
  return points.map(({ time, value }) => {
    peak = Math.max(peak, value);
    return { time, value: peak > 0 ? value / peak - 1 : 0 };
  });
}

/** Round numbers for an axis, some of them, within the range. */
export function ticksOf(low: number, high: number, about: number): readonly number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step + 1e-9)];
  // Of values that differ in their last digits alone no round number is between.
  const count = Math.min(Math.max(0, last - first + 1), 2 * about + 2);
  // Of 0.30000000000000004 nobody wants to read the end.
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** For an axis: "12.5k", "95.9k", "1.2M". */
export function formatAxis(value: number): string {
  const size = Math.abs(value);
  const [factor, unit] =
    size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e4 ? [1e3, 'k'] : [1, ''];
  const scaled = value / factor;
  const digits =
    Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)}${unit}`;
}

export function formatAxisPercent(value: number): string {
  const percent = value * 100;
  return `${Number.isInteger(percent) || Math.abs(percent) >= 10 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}
