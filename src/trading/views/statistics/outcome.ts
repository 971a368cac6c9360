import { type Decimal, decimal, isZero, round } from '../../../kernel/decimal.ts';

export type Outcome = 'WIN' | 'LOSS' | 'DRAW';

/** Amounts come with so many; parts of one are rounded behind them, which is no gain. */
const fractionDigits = 18;

/** A draw has neither gain nor loss, but for the rounding of shared costs and proceeds. */
export function outcomeOf(gain: string): Outcome {
  const value: Decimal = decimal(gain);
  if (isZero(round(value, fractionDigits, 'HALF_UP'))) return 'DRAW';
  return value.s > 0 ? 'WIN' : 'LOSS';
}
