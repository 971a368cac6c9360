import {
  type MeasureValue,
  method,
  type UndefinedMeasure,
  type UndefinedReason,
  undefinedMeasure,
} from './measure.ts';
import { refineRoot, rootsOf, type Term } from './present-value.ts';

/** A payment as the investor sees it: paid in is under zero, received over it. */
export interface CashFlow {
  /** YYYY-MM-DD, in any order. */
  readonly date: string;
  readonly amount: number;
}

export interface XirrValue extends MeasureValue {
  /** A second rate that solves the equation; the present value rises with the rate at it. */
  readonly otherRoots: readonly number[];
}

export type Xirr = XirrValue | UndefinedMeasure;

const millisecondsPerDay = 86_400_000;

/**
 * At rates beyond this, the first and the last flow differ by more than 2^53 in their weight: one of
 * them is lost in the rounding of the other, and the rate says nothing about the flows.
 */
const maxLogWeight = 53 * Math.LN2;

/** Beyond this a rate is no double. */
const maxLogRate = 700;

interface Schedule {
  readonly terms: readonly Term[];
  readonly years: number;
}

/** One term for each day, by date, in fractions of the whole time. */
function scheduleOf(flows: readonly CashFlow[]): Schedule {
  const byDay = new Map<number, number>();
  for (const { date, amount } of flows) {
    const day = Date.parse(date) / millisecondsPerDay;
    byDay.set(day, (byDay.get(day) ?? 0) + amount);
  }
  const days = [...byDay].filter(([, amount]) => amount !== 0).sort(([a], [b]) => a - b);
  const first = days[0]?.[0] ?? 0;
  const span = (days[days.length - 1]?.[0] ?? 0) - first;
  const terms = days.map(([day, amount]) => ({ amount, time: (day - first) / (span || 1) }));
  return { terms, years: span / 365 };
}

function signChanges(terms: readonly Term[]): number {
  return terms.filter(
    (term, at) => at > 0 && term.amount > 0 !== (terms[at - 1] as Term).amount > 0,
  ).length;
}

/**
 * The money-weighted return per year (act/365, from the first flow that isn't zero).
 *
 * Flows whose sign changes more than once can have several roots. Of two, the answer is the one at
 * which the present value falls as the rate rises, as it does for money that is first paid in and
 * then received; the reference figures choose it as well, and the other is told beside it. With more
 * of them, or a double one, the return is undefined.
 */
export function xirr(flows: readonly CashFlow[]): Xirr {
  const fail = (reason: UndefinedReason) => undefinedMeasure(method.moneyWeightedReturn, reason);
  const { terms, years } = scheduleOf(flows);
  if (terms.some(({ amount, time }) => !Number.isFinite(amount + time))) return fail('NOT_FINITE');
  if (terms.length === 0) return fail('NO_FLOWS');
  if (terms.length === 1) return fail('SINGLE_DATE');
  const changes = signChanges(terms);
  if (changes === 0) return fail('NO_SIGN_CHANGE');
  const bound = Math.min(maxLogWeight, maxLogRate * years);
  const rateOf = (root: number) => Math.expm1(root / years);
  const answer = (root: number, others: readonly number[]): Xirr => ({
    method: method.moneyWeightedReturn,
    value: rateOf(root),
    otherRoots: others.map(rateOf),
  });
  if (changes === 1) {
    // Descartes' rule of signs: there is one root and no other.
    const root = refineRoot(terms, -bound, bound);
    return root === undefined ? fail('NO_ROOT') : answer(root, []);
  }
  const found = rootsOf(terms, -bound, bound);
  if (found === 'unresolved') return fail('SEVERAL_ROOTS');
  const [first, second, ...more] = found;
  if (first === undefined) return fail('NO_ROOT');
  if (second === undefined) return answer(first.at, []);
  if (more.length > 0) return fail('SEVERAL_ROOTS');
  // Of two neighbouring simple roots one falls and one rises.
  return first.falls ? answer(first.at, [second.at]) : answer(second.at, [first.at]);
}
