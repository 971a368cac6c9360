import { add, decimal } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import { type Bucket, dayOf, dayText, startOf } from '../days.ts';
import { isUndefined } from '../measures/measure.ts';
import { returnsOf } from './daily.ts';
import type { Period } from './period.ts';
import type { Valuation } from './valuation.ts';

/**
 * A point for each bucket of the period, with the value at its end, the flows within it, and the
 * compounded return of its days. The first valuation may be that of the day before the period, which
 * the return of the first day is to; without one, that day has none.
 */
export function pointsOf(days: readonly Valuation[], { from }: Period, bucket: Bucket) {
  const growth = growthByBucket(days, bucket);
  const shown = days.filter(({ day }) => day >= from);
  return [...Map.groupBy(shown, ({ day }) => startOf(bucket, day))].map(([start, within]) => {
    const last = within.at(-1) as Valuation;
    const sum = (flow: 'deposits' | 'withdrawals') =>
      amountText(within.map((day) => decimal(day[flow])).reduce(add));
    const periodReturn = growth.get(start);
    return {
      date: dayText(start),
      value: amountText(last.value),
      cash: last.cash,
      deposits: sum('deposits'),
      withdrawals: sum('withdrawals'),
      ...(periodReturn !== undefined && { periodReturn }),
    };
  });
}

function growthByBucket(days: readonly Valuation[], bucket: Bucket): ReadonlyMap<number, number> {
  const growth = new Map<number, number>();
  const found = returnsOf(days);
  if (isUndefined(found)) return growth;
  for (const { date, value } of found.returns) {
    const start = startOf(bucket, dayOf(date) as number);
    growth.set(start, (1 + (growth.get(start) ?? 0)) * (1 + value) - 1);
  }
  return growth;
}
