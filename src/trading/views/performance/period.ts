import { type Rejection, rejectField } from '../../../kernel/rejection.ts';
import { dayOf } from '../days.ts';

/** Days since 1970, both included. */
export type Period = { readonly from: number; readonly to: number };

/** What a query asks for: days as text, empty where it leaves them to the answer. */
export type AskedPeriod = { readonly from: string; readonly to: string };

const mostYears = 50;
const mostDays = Math.ceil(mostYears * 365.25);

/** The days that are asked for, undefined where they are not; or what is wrong with them. */
export function askedPeriod(asked: AskedPeriod): Partial<Period> | Rejection {
  const [from, to] = [dayOf(asked.from), dayOf(asked.to)];
  for (const [field, day] of Object.entries({ from, to })) {
    const text = asked[field as keyof AskedPeriod];
    if (day !== undefined || text === '') continue;
    return rejectField('PERIOD_INVALID', field, `${field} is '${text}', a day that does not exist`);
  }
  if (from !== undefined && to !== undefined) {
    if (from > to) {
      const message = `from is ${asked.from}, after to, which is ${asked.to}`;
      return rejectField('PERIOD_INVALID', 'from', message);
    }
    const refusal = refuseLength({ from, to });
    if (refusal !== undefined) return refusal;
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function refuseLength({ from, to }: Period): Rejection | undefined {
  if (to - from <= mostDays) return undefined;
  const message = `the period has ${to - from + 1} days; it can have ${mostYears} years at most`;
  return rejectField('PERIOD_INVALID', 'from', message);
}

/**
 * The days of which something is known, among those that are asked for: from the first activity on,
 * to the later of the last price and the last activity. Of a period behind all that is known, it is
 * the last known day; one that ended before there was anything has no valuations.
 */
export function knownPeriod({ from, to }: Partial<Period>, known: Period): Period | Rejection {
  const last = Math.min(to ?? known.to, known.to);
  const first = Math.min(Math.max(from ?? known.from, known.from), last);
  return refuseLength({ from: first, to: last }) ?? { from: first, to: last };
}
