import { type Rejection, reject, rejectField } from '../../../kernel/rejection.ts';
import type { Reader } from '../../../read/kit.ts';
import { type CandlesDocument, candles, seriesOf } from '../candles/candles.ts';
import type { Interval } from '../candles/intervals.ts';
import { dayText, secondsPerDay } from '../days.ts';
import type { Period } from '../performance/period.ts';

/** What one run may take: half a million candles take some seconds. */
export const mostCandles = 500_000;

/** The days to run over: those asked for of which there are candles; or why there are none. */
export async function runPeriod(
  reader: Reader,
  instrumentId: string,
  interval: Interval,
  { from, to }: Partial<Period>,
): Promise<Period | Rejection> {
  const series = seriesOf(interval, instrumentId);
  const [first, last] = await Promise.all([
    endOf(reader, series, 'first'),
    endOf(reader, series, 'last'),
  ]);
  if (first === undefined || last === undefined) {
    const message = `there are no recorded candles of '${instrumentId}' at ${interval.name}`;
    return reject('PRECONDITION', 'NO_CANDLES', message);
  }
  const period = { from: Math.max(from ?? first, first), to: Math.min(to ?? last, last) };
  if (period.from > period.to) {
    const message =
      `the candles of '${instrumentId}' at ${interval.name} are of ${dayText(first)} to ` +
      `${dayText(last)}; none are within the period`;
    return reject('PRECONDITION', 'NO_CANDLES', message);
  }
  const most = ((period.to - period.from + 1) * secondsPerDay) / interval.seconds;
  if (most <= mostCandles) return period;
  const message =
    `from ${dayText(period.from)} to ${dayText(period.to)} there may be ${most} candles at ` +
    `${interval.name}; a backtest can have ${mostCandles}`;
  return rejectField('BACKTEST_TOO_LONG', 'from', message);
}

/** The day of the first or the last candle of a series. */
async function endOf(
  reader: Reader,
  series: string,
  which: 'first' | 'last',
): Promise<number | undefined> {
  const { items } = await reader.list(candles, {
    where: [{ field: 'series', in: [series] }],
    sort: { field: 'periodStart', descending: which === 'last' },
    limit: 1,
  });
  const rows = (items[0]?.document as CandlesDocument | undefined)?.candles;
  const start = rows?.at(which === 'first' ? 0 : -1)?.[0];
  return start === undefined ? undefined : Math.floor(start / secondsPerDay);
}
