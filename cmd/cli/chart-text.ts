import { type ChartPoint, formatAxis, formatAxisPercent } from './chart-series.ts';
import { formatStart } from './format.ts';

export type TextChart = {
  /** Columns of the terminal, axis included. */
  readonly width: number;
  readonly height: number;
};

const eighths = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const axis = 9;

/** An area from the bottom up, the last value of each column: what was earned. */
export function areaChart(points: readonly ChartPoint[], { width, height }: TextChart): string[] {
  const columns = columnsOf(points, width - axis, (values) => values.at(-1) as number);
  const [low, high] = [Math.min(...columns), Math.max(...columns)];
  // So that the lowest value can be seen too.
  const floor = low - (high - low) / (height * 4 || 1);
  const scale = high > floor ? (height * 8) / (high - floor) : 0;
  const levels = columns.map((value) => Math.max(1, Math.round((value - floor) * scale)));
  const rows = Array.from({ length: height }, (_, row) => {
    const below = (height - 1 - row) * 8;
    const label = row === 0 ? high : row === height - 1 ? low : undefined;
    const cells = levels.map((level) => eighths[Math.min(8, Math.max(0, level - below))]);
    return `${labelled(label, formatAxis)}${cells.join('')}`;
  });
  return [...rows, timeAxis(points, width)].map((line) => line.trimEnd());
}

/** An area from 0 down, the lowest value of each column: what was lost since the peak. */
export function drawdownChart(
  points: readonly ChartPoint[],
  { width, height }: TextChart,
): string[] {
  const columns = columnsOf(points, width - axis, (values) => Math.min(...values));
  const lowest = Math.min(...columns);
  const levels = columns.map((value) =>
    lowest < 0 ? Math.round((value / lowest) * height * 2) : 0,
  );
  const rows = Array.from({ length: height }, (_, row) => {
    const cells = levels.map((level) => (level > row * 2 + 1 ? '█' : level > row * 2 ? '▀' : ' '));
    const label = row === 0 ? 0 : row === height - 1 ? lowest : undefined;
    return `${labelled(label, formatAxisPercent)}${cells.join('')}`;
  });
  return [...rows, timeAxis(points, width)].map((line) => line.trimEnd());
}

/** A value for each column: of the points within its part of the time, or of the last one before. */
function columnsOf(
  points: readonly ChartPoint[],
  most: number,
  of: (values: readonly number[]) => number,
): readonly number[] {
  const count = Math.min(most, points.length);
  return Array.from({ length: count }, (_, column) => {
    const from = Math.floor((column * points.length) / count);
    const until = Math.floor(((column + 1) * points.length) / count);
    return of(points.slice(from, until).map(({ value }) => value));
  });
}

function labelled(value: number | undefined, format: (value: number) => string): string {
  const label = value === undefined ? '' : format(value);
  return `${label.padStart(axis - 2)} ${value === undefined ? '│' : '┤'}`;
}

function timeAxis(points: readonly ChartPoint[], width: number): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return '';
  const [from, to] = [formatStart(first.time), formatStart(last.time)];
  const room = Math.min(points.length, width - axis) - from.length - to.length;
  if (room < 1) return `${' '.repeat(axis)}${from} to ${to}`.slice(0, width);
  return `${' '.repeat(axis)}${from}${' '.repeat(room)}${to}`;
}
