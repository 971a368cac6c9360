import {
  type CandlesRecorded,
  CandlesRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { secondsPerDay, yearOf } from '../days.ts';
import { type Interval, intervalOf } from './intervals.ts';

/** The close, the end of its candle and the candle's length, both in seconds. */
type Close = readonly [close: string, end: number, length: number];

type Closes = { readonly [day: string]: Close };

export type DailyClosesDocument = {
  readonly instrumentId: string;
  readonly year: number;
  /** By day, in days since 1970. */
  readonly closes: Closes;
};

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
    const years = new Set<number>();
    let day = Number.NaN;
    for (const { start } of event.candles) {
      const next = dayOfStart(start);
      if (next !== day) years.add(yearOf(next));
      day = next;
    }
    return [...years].map((year) => `${year}/${event.instrumentId}`);
  },
  project: (document, { message }, id) => {
    const event = message as CandlesRecorded;
    const year = Number.parseInt(id, 10);
    const before = document?.closes ?? {};
    return { instrumentId: event.instrumentId, year, closes: withCandles(before, event, year) };
  },
});

function dayOfStart(start: bigint): number {
  return Math.floor(Number(start) / secondsPerDay);
}

function withCandles(before: Closes, event: CandlesRecorded, year: number): Closes {
  const interval = intervalOf(event.interval);
  const closes: { [day: string]: Close } = { ...before };
  let changed = false;
  for (const { start, close } of event.candles) {
    const day = dayOfStart(start);
    if (yearOf(day) !== year) continue;
    const next: Close = [close, Number(start) + interval.seconds, interval.seconds];
    if (!replaces(next, closes[day], interval)) continue;
    closes[day] = next;
    changed = true;
  }
  return changed ? closes : before;
}

function replaces([, end]: Close, there: Close | undefined, { seconds }: Interval): boolean {
  if (there === undefined || seconds === secondsPerDay) return true;
  return there[2] !== secondsPerDay && end > there[1];
}
