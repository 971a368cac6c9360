import { type Measure, measureOf, method, undefinedMeasure } from './measure.ts';

/** A day with what each asset gained or lost on it, fees and flows of its own taken off. */
export type GainDay = {
  /** The value at the start of the day, deposits of the day among it; what the gains relate to. */
  readonly capital: number;
  readonly gains: ReadonlyMap<string, number>;
};

/**
 * What each asset added to the time-weighted return, as a fraction. The share of a day is worth more
 * the more the portfolio had grown before; so all contributions add up to the time-weighted return,
 * and nothing is left to be shared out. Days without capital and without gains are left out.
 *
 * Undefined: NO_RETURNS without a day; NO_CAPITAL where something was gained out of nothing.
 */
export function contributionsOf(
  days: readonly GainDay[],
  assets: Iterable<string>,
): ReadonlyMap<string, Measure> {
  const name = method.contribution;
  const counted = days.filter(({ capital, gains }) => capital !== 0 || !isEmpty(gains));
  const fail = (reason: 'NO_RETURNS' | 'NO_CAPITAL') =>
    new Map([...assets].map((asset) => [asset, undefinedMeasure(name, reason)]));
  if (counted.length === 0) return fail('NO_RETURNS');
  if (counted.some(({ capital }) => !(capital > 0))) return fail('NO_CAPITAL');
  const sums = new Map<string, number>();
  let growth = 1;
  for (const { capital, gains } of counted) {
    let total = 0;
    for (const [asset, gain] of gains) {
      sums.set(asset, (sums.get(asset) ?? 0) + (gain / capital) * growth);
      total += gain;
    }
    growth *= 1 + total / capital;
  }
  return new Map([...assets].map((asset) => [asset, measureOf(name, sums.get(asset) ?? 0)]));
}

function isEmpty(gains: ReadonlyMap<string, number>): boolean {
  return [...gains.values()].every((gain) => gain === 0);
}
