import type { ValuePoint } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { type ChartPoint, drawdownsOf, formatAxis, formatAxisPercent } from './chart-series.ts';
import { svgChart } from './chart-svg.ts';
import { toCsv } from './export-file.ts';
import { htmlPage, htmlTable } from './html.ts';
import type { MeasureRow } from './measure-rows.ts';

export type PerformanceReport = {
  readonly portfolioId: string;
  readonly currency: string;
  readonly from: string;
  readonly to: string;
  readonly points: readonly ValuePoint[];
  readonly summary: readonly (readonly [label: string, text: string])[];
  readonly measures: readonly MeasureRow[];
};

const timeOf = (date: string) => Date.parse(`${date}T00:00:00Z`) / 1000;

export function valuesOf(points: readonly ValuePoint[]): readonly ChartPoint[] {
  return points.map(({ date, value }) => ({ time: timeOf(date), value: Number(value) }));
}

/** What one unit became, by the returns; a day without one changes nothing. */
export function wealthOf(points: readonly ValuePoint[]): readonly ChartPoint[] {
  let wealth = 1;
  return points.map(({ date, periodReturn }) => {
    wealth *= 1 + (periodReturn ?? 0);
    return { time: timeOf(date), value: wealth };
  });
}

/** One HTML file that needs no network. */
export function performanceReport(report: PerformanceReport): string {
  const { portfolioId, currency, from, to, points, summary, measures } = report;
  const wealth = wealthOf(points);
  const about = `${from} to ${to}, day by day, in ${currency}.`;
  return htmlPage(`Performance of portfolio ${portfolioId}`, about, [
    {
      heading: 'Value and return',
      parts: [
        svgChart({
          title: `Value (${currency})`,
          series: [{ name: 'value', points: valuesOf(points) }],
          format: formatAxis,
        }),
        svgChart({
          title: 'Growth of 1 (without what was paid in or out)',
          series: [{ name: 'growth', points: wealth }],
          format: formatAxis,
        }),
        svgChart({
          title: 'Drawdown of the return',
          series: [{ name: 'drawdown', points: drawdownsOf(wealth), filled: true }],
          format: formatAxisPercent,
          fromZero: true,
        }),
      ],
    },
    {
      heading: 'Period',
      parts: [
        htmlTable({
          headers: ['', ''],
          rows: summary.filter(([, text]) => text !== '').map((row) => [...row]),
        }),
      ],
    },
    {
      heading: 'Measures',
      parts: [
        htmlTable({
          headers: ['Measure', 'Value', 'Method'],
          rows: measures.map((row) => [...row]),
          right: [1],
        }),
      ],
    },
  ]);
}

/** A row for each day. The return is empty where the day has none. */
export function valuesCsv(points: readonly ValuePoint[]): string {
  return toCsv(
    ['date', 'value', 'cash', 'deposits', 'withdrawals', 'return'],
    points.map(({ date, value, cash, deposits, withdrawals, periodReturn }) => [
      ...[date, value, cash, deposits, withdrawals, periodReturn ?? ''],
    ]),
  );
}
