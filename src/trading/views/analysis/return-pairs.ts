import type { CloseRow } from '../candles/daily-closes.ts';
import { dayOf } from '../days.ts';
import type { ReturnPair } from '../measures/benchmark.ts';
import type { DatedValue } from '../measures/measure.ts';
import type { Period } from '../performance/period.ts';

/** The price of a benchmark at the end of each day of a period. */
export type BenchmarkPrices = {
  /** The first day of the period that there is a price for. */
  readonly from: number;
  readonly prices: ReadonlyMap<number, number>;
  /** Days behind the first one with a price of their own. */
  readonly ownPrices: ReadonlySet<number>;
};

/** closes: oldest first; those before the period count where there is none at its beginning. */
export function benchmarkPrices(
  closes: readonly CloseRow[],
  { from, to }: Period,
): BenchmarkPrices | undefined {
  const prices = new Map<number, number>();
  const ownPrices = new Set<number>();
  let price: number | undefined;
  let next = 0;
  for (let day = from; day <= to; day += 1) {
    while ((closes[next]?.[0] ?? Number.POSITIVE_INFINITY) <= day) {
      price = Number(closes[next]?.[1]);
      if (closes[next]?.[0] === day) ownPrices.add(day);
      next += 1;
    }
    if (price !== undefined) prices.set(day, price);
  }
  const [first] = prices.keys();
  return first === undefined ? undefined : { from: first, prices, ownPrices };
}

/** The return of the benchmark on each day that the portfolio has one. */
export function pairsOf(
  returns: readonly DatedValue[],
  { prices }: BenchmarkPrices,
): readonly (ReturnPair & { readonly day: number })[] {
  return returns.map(({ date, value }) => {
    const day = dayOf(date) ?? Number.NaN;
    const [before, price] = [prices.get(day - 1), prices.get(day)];
    const benchmark = before === undefined || price === undefined ? Number.NaN : price / before - 1;
    return { day, own: value, benchmark };
  });
}

/**
 * Pairs by session, as `bySession` has returns: those of a day without one go into the next. What is
 * behind the last session is a pair of its own, unless nothing changed.
 */
export function joinedPairs(
  pairs: readonly (ReturnPair & { readonly day: number })[],
  isSession: (day: number) => boolean,
): readonly ReturnPair[] {
  const joined: ReturnPair[] = [];
  let [own, benchmark] = [1, 1];
  for (const pair of pairs) {
    own *= 1 + pair.own;
    benchmark *= 1 + pair.benchmark;
    if (!isSession(pair.day)) continue;
    joined.push({ own: own - 1, benchmark: benchmark - 1 });
    [own, benchmark] = [1, 1];
  }
  if (own === 1 && benchmark === 1) return joined;
  return [...joined, { own: own - 1, benchmark: benchmark - 1 }];
}
