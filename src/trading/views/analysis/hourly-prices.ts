import type { Reader } from '../../../read/kit.ts';
import { type CandlesDocument, candles, seriesOf } from '../candles/candles.ts';
import type { CloseRow } from '../candles/daily-closes.ts';
import { millisecondsPerDay, secondsPerDay } from '../days.ts';
import { readCloses } from '../performance/history.ts';
import type { Period } from '../performance/period.ts';
import { listAll } from '../reading.ts';

/** The close of a candle: its end in seconds since 1970. */
export type PriceRow = {
  readonly end: number;
  readonly price: string;
  /** Of a candle that is longer than an hour. */
  readonly isCoarse: boolean;
};

const secondsPerHour = 3600;
/** Those that tell the price of each hour, the fewest to read first. */
const fine = [
  { name: '1H', seconds: secondsPerHour, period: 'month' },
  { name: '15M', seconds: 900, period: 'day' },
  { name: '5M', seconds: 300, period: 'day' },
  { name: '1M', seconds: 60, period: 'day' },
] as const;

/**
 * The closes that the hours of the days are valued at, by their ends, and before them the last one
 * that was known. A longer candle counts on days alone of which there is none of an hour or less.
 */
export async function readHourlyPrices(
  reader: Reader,
  instrumentId: string,
  period: Period,
): Promise<readonly PriceRow[]> {
  const rows: PriceRow[] = [];
  for (const interval of fine) {
    rows.push(...(await readFine(reader, instrumentId, interval, period)));
    if (coversAll(rows, period)) break;
  }
  return merged(rows, await readCloses(reader, instrumentId, period));
}

async function readFine(
  reader: Reader,
  instrumentId: string,
  interval: (typeof fine)[number],
  { from, to }: Period,
): Promise<readonly PriceRow[]> {
  const series = { field: 'series', in: [seriesOf(interval, instrumentId)] };
  const start = from * millisecondsPerDay;
  const [before, within] = await Promise.all([
    // The one that the first day is in, and the one before it.
    reader.list(candles, {
      where: [series, { field: 'periodStart', until: start + 1 }],
      sort: { field: 'periodStart', descending: true },
      limit: 2,
    }),
    listAll(reader, candles, {
      where: [
        series,
        { field: 'periodStart', from: start + 1, until: (to + 1) * millisecondsPerDay },
      ],
      sort: { field: 'periodStart', descending: false },
    }),
  ]);
  return [...before.items.toReversed(), ...within].flatMap(({ document }) =>
    (document as unknown as CandlesDocument).candles.map(([at, , , , close]) => ({
      end: at + interval.seconds,
      price: close,
      isCoarse: false,
    })),
  );
}

/** Whether each hour of the days ends with a close. */
function coversAll(rows: readonly PriceRow[], { from, to }: Period): boolean {
  const ends = new Set(rows.map(({ end }) => end));
  const last = (to + 1) * secondsPerDay;
  for (let end = from * secondsPerDay + secondsPerHour; end <= last; end += secondsPerHour) {
    if (!ends.has(end)) return false;
  }
  return true;
}

function merged(rows: readonly PriceRow[], closes: readonly CloseRow[]): readonly PriceRow[] {
  const days = new Set(rows.map(({ end }) => Math.floor((end - 1) / secondsPerDay)));
  const coarse = closes
    .filter(([day]) => !days.has(day))
    .map(([, price, end]) => ({ end, price, isCoarse: true }));
  return [...rows, ...coarse].sort((a, b) => a.end - b.end);
}
