import type { Reader } from '../../../read/kit.ts';
import { type CloseRow, type DailyClosesDocument, dailyCloses } from '../candles/daily-closes.ts';
import { yearOf } from '../days.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import {
  type PortfolioDay,
  type PortfolioMonthDocument,
  portfolioDays,
} from '../portfolios/portfolio-days.ts';
import { listAll } from '../reading.ts';
import { dayOfTime } from '../times.ts';
import type { Period } from './period.ts';

export type History = {
  /** The days with activities, oldest first; at least one. */
  readonly days: readonly PortfolioDay[];
  /** Every instrument that was traded, by id, with what is known of it. */
  readonly instruments: ReadonlyMap<string, InstrumentDocument | undefined>;
  /** From the first activity to the later of the last activity and the last recorded price. */
  readonly known: Period;
};

/** Undefined for a portfolio without activities. */
export async function readHistory(
  reader: Reader,
  portfolioId: string,
): Promise<History | undefined> {
  const months = await listAll(reader, portfolioDays, {
    where: [{ field: 'portfolioId', in: [portfolioId] }],
    sort: { field: 'month', descending: false },
  });
  const days = months.flatMap(
    ({ document }) => (document as unknown as PortfolioMonthDocument).days,
  );
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  if (first === undefined || last === undefined) return undefined;
  const ids = new Set(days.flatMap(({ traded }) => Object.keys(traded)));
  const found = await reader.getMany(instruments, [...ids]);
  const traded = new Map(
    [...ids].map((id) => [id, found.get(id)?.document as InstrumentDocument | undefined]),
  );
  const priced = [...traded.values()].map((instrument) => lastPriceDay(instrument) ?? last);
  return { days, instruments: traded, known: { from: first, to: Math.max(last, ...priced) } };
}

/** A candle of a day may end with the day. */
function lastPriceDay(instrument: InstrumentDocument | undefined): number | undefined {
  const end = instrument?.lastPriceAt;
  return end === undefined ? undefined : dayOfTime(end - 1);
}

/** The closes of the period, oldest first, and before them at least the last one before it. */
export async function readCloses(
  reader: Reader,
  instrumentId: string,
  { from, to }: Period,
): Promise<readonly CloseRow[]> {
  const own = { field: 'instrumentId', in: [instrumentId] };
  const [firstYear, lastYear] = [yearOf(from), yearOf(to)];
  const [before, within] = await Promise.all([
    reader.list(dailyCloses, {
      where: [own, { field: 'year', until: firstYear }],
      sort: { field: 'year', descending: true },
      limit: 1,
    }),
    listAll(reader, dailyCloses, {
      where: [own, { field: 'year', from: firstYear, until: lastYear + 1 }],
      sort: { field: 'year', descending: false },
    }),
  ]);
  return [...before.items, ...within].flatMap(
    ({ document }) => (document as unknown as DailyClosesDocument).closes,
  );
}
