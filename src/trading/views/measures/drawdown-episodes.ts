import { dayOf } from '../days.ts';
import type { DatedValue } from './measure.ts';
import { returnResolution } from './series.ts';

/** From a peak down and, where it came so far, back to it. Dates are YYYY-MM-DD. */
export type DrawdownEpisode = {
  /** The last day at the running maximum. */
  readonly peakDate: string;
  /** The first day at the lowest point. */
  readonly troughDate: string;
  /** The first day back at the value of the peak; absent while that has not come. */
  readonly recoveryDate?: string;
  /** Value at the trough / value at the peak - 1: under zero. */
  readonly depth: number;
  /** From the peak to the recovery, or to the last day; in days of the calendar. */
  readonly lengthDays: number;
  readonly declineDays: number;
  /** From the trough to the recovery, or to the last day. */
  readonly recoveryDays: number;
};

/**
 * Every time that a wealth index was below its running maximum, oldest first. The deepest is the
 * maximum drawdown. A fall that is no more than the rounding of doubles is none.
 *
 * values: by day, oldest first, of which the first is the initial value, over zero
 */
export function drawdownEpisodes(values: readonly DatedValue[]): readonly DrawdownEpisode[] {
  const episodes: DrawdownEpisode[] = [];
  let peak = values[0];
  let trough: DatedValue | undefined;
  for (const day of values) {
    if (peak === undefined || day.value >= peak.value) {
      if (peak !== undefined && trough !== undefined) episodes.push(episodeOf(peak, trough, day));
      peak = day;
      trough = undefined;
    } else if (isBelow(day, peak) && day.value < (trough?.value ?? Number.POSITIVE_INFINITY)) {
      trough = day;
    }
  }
  const last = values.at(-1);
  if (peak === undefined || trough === undefined || last === undefined) return episodes;
  const { recoveryDate: _, ...open } = episodeOf(peak, trough, last);
  return [...episodes, open];
}

function isBelow(day: DatedValue, peak: DatedValue): boolean {
  return day.value / peak.value - 1 < -returnResolution;
}

function episodeOf(peak: DatedValue, trough: DatedValue, end: DatedValue): DrawdownEpisode {
  return {
    peakDate: peak.date,
    troughDate: trough.date,
    recoveryDate: end.date,
    depth: trough.value / peak.value - 1,
    lengthDays: daysBetween(peak.date, end.date),
    declineDays: daysBetween(peak.date, trough.date),
    recoveryDays: daysBetween(trough.date, end.date),
  };
}

function daysBetween(from: string, to: string): number {
  return (dayOf(to) ?? Number.NaN) - (dayOf(from) ?? Number.NaN);
}
