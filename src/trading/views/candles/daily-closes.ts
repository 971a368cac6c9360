import {
  type CandlesRecorded,
  CandlesRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { secondsPerDay, yearOf } from '../days.ts';
import { intervalOf } from './intervals.ts';
import { candlesWithin, periodsOf } from './recorded.ts';

/** The day (in days since 1970), the close, and the end of its candle (in seconds since 1970). */
export type CloseRow = readonly [day: number, close: string, end: number];

export type DailyClosesDocument = {
  readonly instrumentId: string;
  readonly year: number;
  /** By day. */
  readonly closes: readonly CloseRow[];
};

const byYear = { period: 'year' } as const;

/**
 * The last price of each day (UTC): the close of its 1D candle, else that of the candle with the
 * latest end. A document has a year of an instrument; its id is "<year>/<instrument>". Valuations
 * are made from these: decades of them are a few small documents.
 */
export const dailyCloses = defineView<DailyClosesDocument>({
  name: 'trading_daily_closes',
  version: 1,
  schema: {
    instrumentId: { kind: 'keyword', filter: true },
    year: { kind: 'integer', filter: true, sort: true },
    closes: { kind: 'json' },
  },
  events: [CandlesRecordedSchema],
  ids: ({ message }) => {
    const event = message as CandlesRecorded;
    return periodsOf(event, byYear).map((first) => `${yearOf(first)}/${event.instrumentId}`);
  },
  project: (document, { message }, id) => {
    const event = message as CandlesRecorded;
    const year = Number.parseInt(id, 10);
    const closes = withCandles(document?.closes ?? [], event, year);
    return { instrumentId: event.instrumentId, year, closes };
  },
});

/** Of the id of a document. */
export function instrumentOf(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}

function withCandles(
  before: readonly CloseRow[],
  event: CandlesRecorded,
  year: number,
): readonly CloseRow[] {
  const first = periodsOf(event, byYear).find((period) => yearOf(period) === year);
  if (first === undefined) return before;
  const length = intervalOf(event.interval).seconds;
  const closes = [...before];
  for (const { start, close } of candlesWithin(event, byYear, first)) {
    const seconds = Number(start);
    const day = Math.floor(seconds / secondsPerDay);
    put(closes, [day, close, seconds + length], length);
  }
  return closes;
}

/** In its place by day, which is nearly always the last one; unless that of the day is better. */
function put(closes: CloseRow[], row: CloseRow, length: number): void {
  const [day, , end] = row;
  const at = closes.findLastIndex((other) => other[0] <= day);
  const there = closes[at];
  if (there?.[0] !== day) closes.splice(at + 1, 0, row);
  // No candle of a day ends after its 1D candle.
  else if (length === secondsPerDay || end > there[2]) closes[at] = row;
}
