import type { Reader } from '../../../read/kit.ts';
import { millisecondsPerDay } from '../days.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import type { History } from '../performance/history.ts';
import type { PositionDocument } from '../portfolios/positions.ts';
import { readTrades } from '../statistics/read-trades.ts';
import { dayOfTime } from '../times.ts';
import { accountChanges } from './strategy-account.ts';
import { type Changes, daysOf } from './strategy-history.ts';

/** The accounts of a strategy in one currency: one for each instrument of each portfolio. */
export type StrategyAccounts = {
  readonly accounts: readonly Changes[];
  /** Undefined where no trade names the strategy. */
  readonly history: History | undefined;
};

/** held: positions of one currency that trades of the strategy are in */
export async function readAccounts(
  reader: Reader,
  strategyId: string,
  held: readonly PositionDocument[],
): Promise<StrategyAccounts> {
  const accounts: Changes[] = [];
  for (const [portfolioId, own] of Map.groupBy(held, (position) => position.portfolioId)) {
    const [{ quoteCurrency }] = own as [PositionDocument];
    const instrumentIds = own.map(({ instrumentId }) => instrumentId);
    const trades = await readTrades(reader, { portfolioId, quoteCurrency, instrumentIds }, {});
    const byInstrument = Map.groupBy(trades, ({ instrumentId }) => instrumentId);
    for (const each of byInstrument.values()) accounts.push(accountChanges(strategyId, each));
  }
  return { accounts, history: await historyOf(reader, accounts) };
}

/** It is known from the end of the day before the first trade, when it had nothing. */
async function historyOf(
  reader: Reader,
  accounts: readonly Changes[],
): Promise<History | undefined> {
  const days = daysOf(accounts);
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  if (first === undefined || last === undefined) return undefined;
  const ids = [...new Set(days.flatMap(({ traded }) => Object.keys(traded)))];
  const found = await reader.getMany(instruments, ids);
  const known = ids.map(
    (id) => [id, found.get(id)?.document as InstrumentDocument | undefined] as const,
  );
  // A candle of a day may end with the day.
  const priced = known.map(([, instrument]) =>
    instrument?.lastPriceAt === undefined ? last : dayOfTime(instrument.lastPriceAt - 1),
  );
  return {
    days,
    instruments: new Map(known),
    known: { from: first - 1, to: Math.max(last, ...priced) },
  };
}

/** How many trades name the strategy within the days. */
export function ownTrades(
  accounts: readonly Changes[],
  { from, to }: { readonly from: number; readonly to: number },
): number {
  const [start, end] = [from * millisecondsPerDay, (to + 1) * millisecondsPerDay];
  return accounts.flat().filter(({ isOwn, time }) => isOwn && time >= start && time < end).length;
}
