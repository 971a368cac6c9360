import { add, type Decimal, decimal, zero } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import type { PortfolioDay } from '../portfolios/portfolio-days.ts';
import { dayOfTime } from '../times.ts';
import type { AccountChange } from './strategy-account.ts';

/** The changes of one instrument in one portfolio, in their order. */
export type Changes = readonly AccountChange[];

/**
 * The accounts of a strategy as the days of one portfolio without cash, oldest first: what is paid in
 * is a deposit, what is taken out a withdrawal.
 */
export function daysOf(accounts: readonly Changes[]): readonly PortfolioDay[] {
  const changes = accounts
    .flatMap((account, at) => account.map((change) => ({ ...change, account: at })))
    .sort((a, b) => a.time - b.time);
  const quantities = accounts.map(() => zero);
  const instrumentOf = accounts.map((account) => account[0]?.instrumentId);
  const heldOf = (instrumentId: string): Decimal =>
    quantities.filter((_, at) => instrumentOf[at] === instrumentId).reduce(add, zero);
  return [...Map.groupBy(changes, ({ time }) => dayOfTime(time))].map(([day, ofDay]) => {
    const traded: Record<string, readonly [string, string]> = {};
    for (const { account, instrumentId, quantity, price } of ofDay) {
      quantities[account] = quantity;
      traded[instrumentId] = [amountText(heldOf(instrumentId)), amountText(decimal(price))];
    }
    const sum = (flow: 'paidIn' | 'takenOut') =>
      amountText(ofDay.map((change) => change[flow]).reduce(add, zero));
    return { day, cash: '0', deposits: sum('paidIn'), withdrawals: sum('takenOut'), traded };
  });
}
