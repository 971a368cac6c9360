import {
  abs,
  add,
  type Decimal,
  decimal,
  fractionDigitsOf,
  isNegative,
  isPositive,
  maxFractionDigits,
  maxSignificantDigits,
  toText,
} from '../../kernel/decimal.ts';
import { type Rejection, reject, rejectField } from '../../kernel/rejection.ts';

const maxIntegerDigits = 24;

/** The amount, which has to be over 0. */
export function positiveAmount(field: string, text: string): Decimal | Rejection {
  const amount = decimal(text);
  if (isPositive(amount)) return amount;
  return rejectField('AMOUNT_NOT_POSITIVE', field, `${field} is ${text}; it has to be over 0`);
}

/**
 * Refuses what a portfolio does not keep. Sums and products are exact, never rounded, so those are
 * refused that have more digits than are stored.
 */
export function refuseAmount(what: string, value: Decimal): Rejection | undefined {
  const integerDigits = Math.max(0, value.e + 1);
  const fractionDigits = fractionDigitsOf(value);
  if (integerDigits > maxIntegerDigits) {
    const rule = `at most ${maxIntegerDigits} digits before the point are kept`;
    return refuseDigits('AMOUNT_TOO_LARGE', what, value, rule);
  }
  if (fractionDigits > maxFractionDigits) {
    const rule = `at most ${maxFractionDigits} digits behind the point are kept`;
    return refuseDigits('AMOUNT_TOO_PRECISE', what, value, rule);
  }
  if (integerDigits + fractionDigits > maxSignificantDigits) {
    const rule = `at most ${maxSignificantDigits} digits are kept`;
    return refuseDigits('AMOUNT_TOO_PRECISE', what, value, rule);
  }
  return undefined;
}

function refuseDigits(code: string, what: string, value: Decimal, rule: string): Rejection {
  return reject('PRECONDITION', code, `${what} would be ${toText(value)}; ${rule}`);
}

/** Cash after a change: never below 0. */
export function cashAfter(cash: Decimal, change: Decimal, currency: string): Decimal | Rejection {
  const after = add(cash, change);
  if (isNegative(after)) {
    const needed = `${toText(abs(change))} ${currency}`;
    const message = `the cash is ${toText(cash)} ${currency}; ${needed} are needed`;
    return reject('PRECONDITION', 'INSUFFICIENT_CASH', message);
  }
  return refuseAmount('the cash', after) ?? after;
}
