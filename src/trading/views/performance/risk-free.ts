import { decimal, toNumber } from '../../../kernel/decimal.ts';
import { type Rejection, rejectField } from '../../../kernel/rejection.ts';

/** The yearly rate that a query names as a decimal text; 0 where it names none. */
export function riskFreeRateOf({
  riskFreeRate,
}: {
  readonly riskFreeRate: string;
}): number | Rejection {
  const rate = riskFreeRate === '' ? 0 : toNumber(decimal(riskFreeRate));
  if (rate > -1) return rate;
  const message = `risk_free_rate is ${riskFreeRate}; it has to be over -1, which loses all`;
  return rejectField('RISK_FREE_RATE_INVALID', 'risk_free_rate', message);
}

/** What compounds to the yearly rate in as many returns as there are in a year. */
export function riskFreeReturn(yearly: number, returnsInYear: number): number {
  return (1 + yearly) ** (1 / returnsInYear) - 1;
}
