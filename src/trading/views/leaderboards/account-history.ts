import type { ReadInputs } from '../../../projection/kit.ts';
import { monthText, startOf } from '../days.ts';
import type { InstrumentDocument } from '../instruments/instruments.ts';
import type { History } from '../performance/history.ts';
import {
  type PortfolioDay,
  type PortfolioMonthDocument,
  portfolioDays,
} from '../portfolios/portfolio-days.ts';
import type { AccountDocument } from './accounts.ts';

export type Instruments = ReadonlyMap<string, InstrumentDocument | undefined>;

type Asked = {
  readonly id: string;
  readonly account: AccountDocument;
  readonly instruments: Instruments;
  /** The first day that is to be valued. */
  readonly from: number;
};

const monthsAtOnce = 12;

/**
 * The days with activities from `from` on, behind one made up of what there was before: what is
 * valued from `from` on is as with the whole history.
 */
export async function recentHistory(read: ReadInputs, asked: Asked): Promise<History> {
  const { account, instruments, from } = asked;
  const days = await recentDays(read, asked);
  const inDays = new Set(days.flatMap(({ traded }) => Object.keys(traded)));
  // What was not traded since is as it is now.
  const traded = Object.entries(account.traded)
    .filter(([instrumentId]) => !inDays.has(instrumentId))
    .filter(([, [, , firstDay]]) => firstDay < from)
    .map(([instrumentId, [quantity, price]]) => [instrumentId, [quantity, price]] as const);
  const day = Math.min(from, days[0]?.day ?? from) - 1;
  const cash = days.length === 0 ? account.cash : '0';
  const before = { day, cash, deposits: '0', withdrawals: '0', traded: Object.fromEntries(traded) };
  return { days: [before, ...days], instruments, known: { from: day, to: account.lastDay ?? day } };
}

/**
 * From the month of `from` on; and where the cash and what was held before are not told there, from
 * as far back as they are.
 */
async function recentDays(
  read: ReadInputs,
  { id, account: { firstDay, lastDay, traded }, from }: Asked,
): Promise<readonly PortfolioDay[]> {
  if (firstDay === undefined || lastDay === undefined || lastDay < from) return [];
  let start = startOf('month', from);
  let days = await daysOfMonths(read, id, start, lastDay);
  const isTold = () => {
    const told = new Set(
      days.filter(({ day }) => day < from).flatMap((day) => Object.keys(day.traded)),
    );
    const later = days.flatMap((day) => Object.keys(day.traded));
    const isKnown = (instrumentId: string) =>
      told.has(instrumentId) || (traded[instrumentId]?.[2] ?? from) >= start;
    return (days[0]?.day ?? from) < from && later.every(isKnown);
  };
  while (start > firstDay && !isTold()) {
    const end = start - 1;
    for (let i = 0; i < monthsAtOnce; i += 1) start = startOf('month', start - 1);
    days = [...(await daysOfMonths(read, id, start, end)), ...days];
  }
  return days;
}

async function daysOfMonths(
  read: ReadInputs,
  id: string,
  from: number,
  to: number,
): Promise<readonly PortfolioDay[]> {
  const ids: string[] = [];
  for (let day = startOf('month', to); day >= from; day = startOf('month', day - 1)) {
    ids.push(`${id}/${monthText(day)}`);
  }
  const found = await read(portfolioDays, ids);
  return ids
    .reverse()
    .flatMap((month) => (found.get(month) as PortfolioMonthDocument | undefined)?.days ?? []);
}
