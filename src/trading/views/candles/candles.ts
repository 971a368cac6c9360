import {
  type CandlesRecorded,
  CandlesRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Candle } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { millisecondsPerDay } from '../days.ts';
import { type Interval, intervalOf, periodText } from './intervals.ts';
import { candlesWithin, periodsOf } from './recorded.ts';

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
    const rows = candlesWithin(event, interval, period).map(rowOf);
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

function rowOf({ start, open, high, low, close, volume }: Candle): CandleRow {
  return [Number(start), open, high, low, close, volume];
}

/** They may fill a gap; nearly always they come behind all the others. */
function merged(there: readonly CandleRow[], coming: readonly CandleRow[]): readonly CandleRow[] {
  const all = [...there, ...coming];
  const last = there.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
  return last < (coming[0]?.[0] ?? 0) ? all : all.sort((a, b) => a[0] - b[0]);
}
