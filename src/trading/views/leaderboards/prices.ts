import type { ReadInputs } from '../../../projection/kit.ts';
import { type CloseRow, type DailyClosesDocument, dailyCloses } from '../candles/daily-closes.ts';
import { yearOf } from '../days.ts';

/** The closes of an instrument by year, the latest first, as they are stored. */
export type YearsOfCloses = readonly (DailyClosesDocument | undefined)[];

const yearsAtOnce = 8;
const firstYear = 1970;

/** Those of the days from `from` to `to`, and behind them so many that one is of `from` or before. */
export async function readYears(
  read: ReadInputs,
  instrumentId: string,
  from: number,
  to: number,
): Promise<YearsOfCloses> {
  const years: (DailyClosesDocument | undefined)[] = [];
  let year = yearOf(to);
  for (let next = yearOf(from); year >= firstYear; next = year - yearsAtOnce) {
    const ids: string[] = [];
    for (; year >= Math.max(next, firstYear); year -= 1) ids.push(`${year}/${instrumentId}`);
    const found = await read(dailyCloses, ids);
    for (const id of ids) years.push(found.get(id) as unknown as DailyClosesDocument | undefined);
    if (years.some((one) => (one?.closes[0]?.[0] ?? Number.POSITIVE_INFINITY) <= from)) break;
  }
  return years;
}

/** By day: the last close of `from` or before, and all behind it. */
export function closesFrom(years: YearsOfCloses, from: number): readonly CloseRow[] {
  const closes: CloseRow[] = [];
  for (let at = years.length - 1; at >= 0; at -= 1) {
    const rows = years[at]?.closes ?? [];
    let first = rows.length;
    while (first > 0 && (rows[first - 1]?.[0] ?? 0) > from) first -= 1;
    if (first > 0) closes.splice(0, closes.length, ...rows.slice(first - 1));
    else closes.push(...rows);
  }
  return closes;
}

const differences = new WeakMap<
  DailyClosesDocument,
  { readonly before: DailyClosesDocument; readonly day: number }
>();

/** The first day with another close; infinity where all are the same. */
export function firstChange(before: YearsOfCloses, now: YearsOfCloses): number {
  let day = Number.POSITIVE_INFINITY;
  const years = new Map<
    number,
    [DailyClosesDocument | undefined, DailyClosesDocument | undefined]
  >();
  for (const one of before) if (one !== undefined) years.set(one.year, [one, undefined]);
  for (const one of now)
    if (one !== undefined) years.set(one.year, [years.get(one.year)?.[0], one]);
  for (const [old, current] of years.values()) {
    if (old === current) continue;
    day = Math.min(day, changeOf(old, current));
  }
  return day;
}

function changeOf(
  before: DailyClosesDocument | undefined,
  now: DailyClosesDocument | undefined,
): number {
  if (before === undefined || now === undefined) {
    return (before ?? now)?.closes[0]?.[0] ?? Number.POSITIVE_INFINITY;
  }
  // Of one tick it is asked for every portfolio that has the instrument.
  const known = differences.get(now);
  if (known?.before === before) return known.day;
  const length = Math.max(before.closes.length, now.closes.length);
  let at = 0;
  while (at < length && isSame(before.closes[at], now.closes[at])) at += 1;
  const days = [before.closes[at]?.[0], now.closes[at]?.[0]];
  const day = Math.min(...days.map((one) => one ?? Number.POSITIVE_INFINITY));
  differences.set(now, { before, day });
  return day;
}

function isSame(a: CloseRow | undefined, b: CloseRow | undefined): boolean {
  return a?.[0] === b?.[0] && a?.[1] === b?.[1];
}
