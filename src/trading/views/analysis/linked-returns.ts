import { dayText } from '../days.ts';
import { type DatedValue, isUndefined, type UndefinedReason } from '../measures/measure.ts';
import { wealthIndex } from '../measures/returns.ts';
import { bySession, returnsOf } from '../performance/daily.ts';
import { annualisationOf, type Valuations } from '../performance/valuation.ts';

/**
 * The returns that the performance of the same days rests on: by day, or, where a market that closes
 * was invested in, by the days on which one was open. Or why there are none.
 */
export function linkedReturns({ days, held }: Valuations): readonly DatedValue[] | UndefinedReason {
  const found = returnsOf(days);
  if (isUndefined(found)) return found.undefined;
  const { basis } = annualisationOf(held);
  return basis === 'MARKETS_THAT_CLOSE' ? bySession(found.returns, days) : found.returns;
}

/** What one unit became; the first value is 1, at the end of the first day. */
export function linkedWealth(
  { days }: Valuations,
  returns: readonly DatedValue[],
): readonly DatedValue[] {
  const [first] = days;
  return first === undefined ? [] : wealthIndex(dayText(first.day), returns);
}
