import type { Drawdown, Measure } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Output } from './output.ts';

/** A row of a table of measures. */
export type MeasureRow = readonly [name: string, value: string, method: string];

/** An undefined measure has its reason in place of the value: it is never shown as 0. */
export function measureRow(
  name: string,
  measure: Measure | Drawdown | undefined,
  format: (value: number) => string,
): MeasureRow {
  const { value, undefinedReason = '', method = '' } = measure ?? {};
  return [name, value === undefined ? undefinedReason || 'undefined' : format(value), method];
}

/** When the deepest fall began, was at its lowest, and was over. */
export function drawdownDates(drawdown: Drawdown | undefined): readonly MeasureRow[] {
  if (drawdown?.value === undefined || drawdown.peakDate === '') return [];
  const { peakDate, troughDate, recoveryDate } = drawdown;
  return [
    ['  from its peak', peakDate, ''],
    ['  to its trough', troughDate, ''],
    ['  until it recovered', recoveryDate === '' ? 'not yet' : recoveryDate, ''],
  ];
}

export function printMeasures(output: Output, rows: readonly MeasureRow[]): void {
  output.table(
    [{ header: 'MEASURE' }, { header: 'VALUE', align: 'right' }, { header: 'METHOD', fit: 'wrap' }],
    rows,
  );
}

export function formatRatio(value: number): string {
  return value.toFixed(4);
}

/** A statistic in a currency: rounded, as no amount would be. */
export function formatStatistic(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 });
}

const units: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** The two largest units: `12d 5h`, `3m 20s`. */
export function formatHolding(seconds: number): string {
  const at = units.findIndex(([, length]) => seconds >= length);
  const [large, small] = at < 0 ? units.slice(-1) : units.slice(at, at + 2);
  if (large === undefined || small === undefined) return `${seconds.toFixed(at < 0 ? 3 : 0)}s`;
  const [count, rest] = [Math.floor(seconds / large[1]), seconds % large[1]];
  return `${count}${large[0]} ${Math.floor(rest / small[1])}${small[0]}`;
}
