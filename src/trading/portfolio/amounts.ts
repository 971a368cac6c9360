import {
  abs,
  add,
  compare,
  type Decimal,
  decimal,
  isNegative,
  isPositive,
  sub,
  toText,
} from '../../kernel/decimal.ts';
import { type Rejection, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';

/** What one command can take out again: its amounts have 20 digits before the point. */
const limit = decimal('100000000000000000000');

/** The amount, which has to be over 0. */
export function positiveAmount(field: string, text: string): Decimal | Rejection {
  const amount = decimal(text);
  if (isPositive(amount)) return amount;
  return rejectField('AMOUNT_NOT_POSITIVE', field, `${field} is ${text}; it has to be over 0`);
}

/**
 * What is held after a change; or the refusal of one that would go over the limit. What has gone
 * over it before there was one can go down.
 *
 * what: "the cash of the portfolio"; field: the one that the refusal names
 */
export function withinLimit(
  before: Decimal,
  change: Decimal,
  what: string,
  field: string,
): Decimal | Rejection {
  const after = add(before, change);
  if (compare(after, limit) < 0 || !isPositive(change)) return after;
  const message = `${what} would be ${toText(after)}; it has to stay below ${toText(limit)}`;
  return rejectFieldAs('PRECONDITION', 'AMOUNT_TOO_LARGE', field, message);
}

/** A change of the cash, by the field that it comes from; `subject` opens the refusal. */
export type CashChange = {
  readonly cash: Decimal;
  /** Of it: put aside for signals. */
  readonly reserved: Decimal;
  readonly change: Decimal;
  readonly currency: string;
  readonly field: string;
  /** "amount is", "the trade takes". */
  readonly subject: string;
};

/** Cash after a change: never below 0, nor below what is put aside. */
export function cashAfter(of: CashChange): Decimal | Rejection {
  const { cash, reserved, change, currency, field, subject } = of;
  if (!isNegative(sub(add(cash, change), reserved)) || isPositive(change)) {
    return withinLimit(cash, change, 'the cash of the portfolio', field);
  }
  const needed = `${subject} ${toText(abs(change))} ${currency}`;
  const aside = isPositive(reserved) ? `, of which ${toText(reserved)} are reserved` : '';
  const message = `${needed}; the cash of the portfolio is ${toText(cash)} ${currency}${aside}`;
  return rejectFieldAs('PRECONDITION', 'INSUFFICIENT_CASH', field, message);
}
