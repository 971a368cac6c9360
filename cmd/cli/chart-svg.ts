import { type ChartPoint, thinned, ticksOf } from './chart-series.ts';
import { formatStart } from './format.ts';
import { escapeHtml } from './html.ts';

export type SvgChart = {
  readonly title: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly ChartPoint[];
    /** Filled down, or up, to 0. */
    readonly filled?: boolean;
  }[];
  /** A mark on the curve; colour by class. */
  readonly marks?: readonly (ChartPoint & {
    readonly kind: 'buy' | 'sell';
    readonly text: string;
  })[];
  readonly format: (value: number) => string;
  /** Whether 0 is on the axis. */
  readonly fromZero?: boolean;
};

const [width, height] = [960, 320];
const margin = { top: 28, right: 16, bottom: 28, left: 72 };
const mostPoints = 2000;
/** What is less is no difference: numbers so near to zero have no digits to divide. */
const leastExtent = 1e-300;

type Scale = (value: number) => number;

/** A chart as one SVG element, by the style sheet of the page that it is in. */
export function svgChart(chart: SvgChart): string {
  const { title, series, marks = [], format, fromZero = false } = chart;
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return `<p>${escapeHtml(title)}: nothing to show.</p>`;
  const [first, last] = rangeOf(all.map(({ time }) => time));
  const values = [...all, ...marks].map(({ value }) => value);
  const [low, high] = rangeOf(fromZero ? [...values, 0] : values);
  const extent = [high - low, Math.abs(high)].find((one) => one >= leastExtent);
  const pad = extent === undefined ? 1 : extent * 0.04;
  const [bottom, top] = [
    fromZero && low >= 0 ? 0 : low - pad,
    fromZero && high <= 0 ? 0 : high + pad,
  ];
  const x = scaleOf([first, last], [margin.left, width - margin.right]);
  const y = scaleOf([bottom, top], [height - margin.bottom, margin.top]);
  const zero = y(Math.min(Math.max(0, bottom), top));
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text class="title" x="${margin.left}" y="16">${escapeHtml(title)}</text>`,
    ...legendOf(series.map(({ name }) => name)),
    ...ticksOf(bottom, top, 5).map((tick) => gridLine(y(tick), format(tick))),
    ...timeTicks(first, last).map((time) => timeMark(x(time), time)),
    ...series.flatMap(({ points, filled }, index) =>
      curve(thinned(points, mostPoints), { x, y, index, ...(filled && { zero }) }),
    ),
    ...marks.map(({ time, value, kind, text }) => markAt(x(time), y(value), kind, text)),
    '</svg>',
  ].join('\n');
}

function rangeOf(values: readonly number[]): readonly [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function scaleOf([from, to]: readonly [number, number], [a, b]: readonly [number, number]): Scale {
  return (value) => Math.round((a + ((value - from) / (to - from || 1)) * (b - a)) * 100) / 100;
}

function curve(
  points: readonly ChartPoint[],
  at: { readonly x: Scale; readonly y: Scale; readonly index: number; readonly zero?: number },
): string[] {
  const { x, y, index, zero } = at;
  const path = points.map(({ time, value }) => `${x(time)},${y(value)}`).join(' ');
  const line = `<polyline class="line s${index}" points="${path}"/>`;
  const [first, last] = [points[0], points.at(-1)];
  if (zero === undefined || first === undefined || last === undefined) return [line];
  const area = `${x(first.time)},${zero} ${path} ${x(last.time)},${zero}`;
  return [`<polygon class="area s${index}" points="${area}"/>`, line];
}

function gridLine(y: number, label: string): string {
  return (
    `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}"/>` +
    `<text class="label" x="${margin.left - 8}" y="${y + 4}" text-anchor="end">${escapeHtml(label)}</text>`
  );
}

function timeMark(x: number, time: number): string {
  return (
    `<line class="grid" x1="${x}" x2="${x}" y1="${margin.top}" y2="${height - margin.bottom}"/>` +
    `<text class="label" x="${x}" y="${height - 8}" text-anchor="middle">${formatStart(time)}</text>`
  );
}

/** Not at the very ends, where there is no room for the words. */
function timeTicks(first: number, last: number): readonly number[] {
  const day = 86_400;
  const unit = last - first > 6 * day ? day : 3600;
  const ticks = [1, 2, 3, 4, 5].map((part) => first + ((last - first) * part) / 6);
  return [...new Set(ticks.map((time) => Math.round(time / unit) * unit))];
}

function legendOf(names: readonly string[]): string[] {
  if (names.length < 2) return [];
  return names.map((name, index) => {
    const x = width - margin.right - (names.length - index) * 150;
    return (
      `<line class="line s${index}" x1="${x}" x2="${x + 20}" y1="12" y2="12"/>` +
      `<text class="label" x="${x + 26}" y="16">${escapeHtml(name)}</text>`
    );
  });
}

function markAt(x: number, y: number, kind: 'buy' | 'sell', text: string): string {
  const up = kind === 'buy';
  const tip = up ? y + 5 : y - 5;
  const base = up ? tip + 8 : tip - 8;
  const shape = `${x},${tip} ${x - 5},${base} ${x + 5},${base}`;
  return `<polygon class="${kind}" points="${shape}"><title>${escapeHtml(text)}</title></polygon>`;
}
