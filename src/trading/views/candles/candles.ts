import {
  type CandlesRecorded,
  CandlesRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { millisecondsPerDay, secondsPerDay } from '../days.ts';
import { type Interval, intervalOf, periodAfter, periodOf, periodText } from './intervals.ts';

/** Start in seconds since 1970, open, high, low, close, volume. */
export type CandleRow = readonly [number, string, string, string, string, string];

export type CandlesDocument = {
  readonly series: string;
  readonly periodStart: number;
  /** By start. */
  readonly candles: readonly CandleRow[];
};

/**
 * Series of candles by period: a document has those of a year (1D), a month (1H, 4H) or a day. Its
 * id is "<interval>/<period>/<instrument>".
 */
export const candles = defineView<CandlesDocument>({
  name: 'trading_candles',
  version: 1,
  schema: {
    series: { kind: 'keyword', filter: true },
    periodStart: { kind: 'instant', filter: true, sort: true },
    candles: { kind: 'json' },
  },
  events: [CandlesRecordedSchema],
  ids: ({ message }) => {
    const event = message as CandlesRecorded;
    const interval = intervalOf(event.interval);
    return periodsOf(event, interval).map((period) => idOf(event, interval, period));
  },
  project: (document, { message }, id) => {
    const event = message as CandlesRecorded;
    const interval = intervalOf(event.interval);
    const period = periodsOf(event, interval).find((one) => idOf(event, interval, one) === id);
    if (period === undefined) throw new Error(`${id} is no period of the candles`);
    const rows = rowsWithin(event, period, periodAfter(interval, period));
    return {
      series: seriesOf(interval, event.instrumentId),
      periodStart: period * millisecondsPerDay,
      candles: merged(document?.candles ?? [], rows),
    };
  },
});

export function seriesOf({ name }: Interval, instrumentId: string): string {
  return `${name}/${instrumentId}`;
}

function idOf({ instrumentId }: CandlesRecorded, interval: Interval, period: number): string {
  return `${interval.name}/${periodText(interval, period)}/${instrumentId}`;
}

/** The first days of the periods that the candles are in; they come in the order of time. */
export function periodsOf(event: CandlesRecorded, interval: Interval): readonly number[] {
  const periods: number[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { start } of event.candles) {
    const seconds = Number(start);
    if (seconds < end) continue;
    const period = periodOf(interval, seconds);
    periods.push(period);
    end = periodAfter(interval, period) * secondsPerDay;
  }
  return periods;
}

function rowsWithin(event: CandlesRecorded, first: number, end: number): readonly CandleRow[] {
  const [from, until] = [indexFrom(event, first), indexFrom(event, end)];
  return event.candles
    .slice(from, until)
    .map(({ start, open, high, low, close, volume }) => [
      Number(start),
      open,
      high,
      low,
      close,
      volume,
    ]);
}

/** The index of the first candle of the day or later. */
function indexFrom({ candles: all }: CandlesRecorded, day: number): number {
  const seconds = BigInt(day * secondsPerDay);
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((all[middle]?.start ?? 0n) < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** They may fill a gap; nearly always they come behind all the others. */
function merged(there: readonly CandleRow[], coming: readonly CandleRow[]): readonly CandleRow[] {
  const all = [...there, ...coming];
  const last = there.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
  return last < (coming[0]?.[0] ?? 0) ? all : all.sort((a, b) => a[0] - b[0]);
}
