import { add, type Decimal, decimal, sub, toNumber, zero } from '../../../kernel/decimal.ts';
import { dayText, startOf } from '../days.ts';
import { isUndefined, type Measure, method, undefinedMeasure } from '../measures/measure.ts';
import { dailyReturns, timeWeightedReturn } from '../measures/returns.ts';
import type { Valuation } from '../performance/valuation.ts';

export type ReturnBucket = 'day' | 'week' | 'month' | 'quarter' | 'year';

/** A stretch of days that come one after the other, and what they brought. */
export type BucketReturn = {
  readonly firstDay: number;
  readonly lastDay: number;
  readonly startValue: Decimal;
  readonly endValue: Decimal;
  readonly deposits: Decimal;
  readonly withdrawals: Decimal;
  /** End value - start value - deposits + withdrawals: what the owner did not bring or take. */
  readonly profit: Decimal;
  readonly periodReturn: Measure;
};

/**
 * Profit and return of each bucket, oldest first. The first valuation is the one that the first
 * return is to; the period has the days behind it, and that day too where there is none before it:
 * its own bucket then begins with its end.
 */
export function bucketsOf(
  valuations: readonly Valuation[],
  from: number,
  bucket: ReturnBucket,
): readonly BucketReturn[] {
  let before = valuations[0];
  const shown = valuations.filter(({ day }) => day >= from);
  const buckets: BucketReturn[] = [];
  for (const days of Map.groupBy(shown, ({ day }) => startOf(bucket, day)).values()) {
    if (before === undefined) break;
    buckets.push(bucketOf(before, days));
    before = days.at(-1);
  }
  return buckets;
}

/** The profit and the return over all days behind the first valuation. */
export function wholeOf(valuations: readonly Valuation[]): BucketReturn | undefined {
  const [before] = valuations;
  return before && bucketOf(before, valuations);
}

function bucketOf(before: Valuation, days: readonly Valuation[]): BucketReturn {
  const counted = days.filter(({ day }) => day > before.day);
  const sum = (flow: 'deposits' | 'withdrawals') =>
    counted.reduce((total, day) => add(total, decimal(day[flow])), zero);
  const [deposits, withdrawals] = [sum('deposits'), sum('withdrawals')];
  const endValue = days.at(-1)?.value ?? before.value;
  return {
    firstDay: days[0]?.day ?? before.day,
    lastDay: days.at(-1)?.day ?? before.day,
    startValue: before.value,
    endValue,
    deposits,
    withdrawals,
    profit: add(sub(sub(endValue, before.value), deposits), withdrawals),
    periodReturn: returnOf(before, counted),
  };
}

function returnOf(before: Valuation, days: readonly Valuation[]): Measure {
  const found = dailyReturns(
    toNumber(before.value),
    days.map(({ day, value, deposits, withdrawals }) => ({
      date: dayText(day),
      value: toNumber(value),
      deposits: toNumber(decimal(deposits)),
      withdrawals: toNumber(decimal(withdrawals)),
    })),
  );
  return isUndefined(found)
    ? undefinedMeasure(method.timeWeightedReturn, found.undefined)
    : timeWeightedReturn(found.returns.map(({ value }) => value));
}
