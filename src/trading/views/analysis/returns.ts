import { add, type Decimal, decimal, sub, toNumber, zero } from '../../../kernel/decimal.ts';
import { isUndefined, type Measure, undefinedMeasure } from '../measures/measure.ts';
import { dailyReturns, timeWeightedReturn } from '../measures/returns.ts';
import type { Valuation } from '../performance/valuation.ts';

/** A day or an hour as it ended, and what came in and went out within it. */
export type Step = {
  /** Days, or hours, since 1970. */
  readonly at: number;
  readonly value: Decimal;
  readonly deposits: Decimal;
  readonly withdrawals: Decimal;
};

/** A stretch of steps that come one after the other, and what they brought. */
export type BucketReturn = {
  readonly first: number;
  readonly last: number;
  readonly startValue: Decimal;
  readonly endValue: Decimal;
  readonly deposits: Decimal;
  readonly withdrawals: Decimal;
  /** End value - start value - deposits + withdrawals: what the owner did not bring or take. */
  readonly profit: Decimal;
  readonly periodReturn: Measure;
};

export function dayStep({ day, value, deposits, withdrawals }: Valuation): Step {
  return { at: day, value, deposits: decimal(deposits), withdrawals: decimal(withdrawals) };
}

/**
 * Profit and return of each bucket, oldest first. The first step is the one that the first return is
 * to; the period has the steps behind it, and that one too where there is none before it: its own
 * bucket then begins with its end.
 *
 * method: the name of the return
 * bucketOf: what all steps of a bucket share
 */
export function bucketsOf(
  steps: readonly Step[],
  from: number,
  method: string,
  bucketOf: (at: number) => number,
): readonly BucketReturn[] {
  let before = steps[0];
  const shown = steps.filter(({ at }) => at >= from);
  const buckets: BucketReturn[] = [];
  for (const within of Map.groupBy(shown, ({ at }) => bucketOf(at)).values()) {
    if (before === undefined) break;
    buckets.push(stretchOf(before, within, method));
    before = within.at(-1);
  }
  return buckets;
}

/** The profit and the return over all that is behind the first step. */
export function wholeOf(steps: readonly Step[], method: string): BucketReturn | undefined {
  const [before] = steps;
  return before && stretchOf(before, steps, method);
}

function stretchOf(before: Step, steps: readonly Step[], method: string): BucketReturn {
  const counted = steps.filter(({ at }) => at > before.at);
  const sum = (flow: 'deposits' | 'withdrawals') =>
    counted.reduce((total, step) => add(total, step[flow]), zero);
  const [deposits, withdrawals] = [sum('deposits'), sum('withdrawals')];
  const endValue = steps.at(-1)?.value ?? before.value;
  return {
    first: steps[0]?.at ?? before.at,
    last: steps.at(-1)?.at ?? before.at,
    startValue: before.value,
    endValue,
    deposits,
    withdrawals,
    profit: add(sub(sub(endValue, before.value), deposits), withdrawals),
    periodReturn: returnOf(before, counted, method),
  };
}

function returnOf(before: Step, steps: readonly Step[], name: string): Measure {
  const found = dailyReturns(
    toNumber(before.value),
    steps.map(({ at, value, deposits, withdrawals }) => ({
      date: String(at),
      value: toNumber(value),
      deposits: toNumber(deposits),
      withdrawals: toNumber(withdrawals),
    })),
  );
  if (isUndefined(found)) return undefinedMeasure(name, found.undefined);
  const linked = timeWeightedReturn(found.returns.map(({ value }) => value));
  return { ...linked, method: name };
}
