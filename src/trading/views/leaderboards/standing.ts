import type { ReadInputs } from '../../../projection/kit.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import type { History } from '../performance/history.ts';
import {
  type Closings,
  type PositionDocument,
  positionId,
  positions,
} from '../portfolios/positions.ts';
import { dayOfTime } from '../times.ts';
import { type Instruments, recentHistory } from './account-history.ts';
import { type AccountDocument, accounts } from './accounts.ts';
import { type Curve, curveOf, spliced } from './curve.ts';
import { closesFrom, firstChange, readYears, type YearsOfCloses } from './prices.ts';
import { windows } from './window-figures.ts';

/** What a standing is made of, as of the last day that is known of a portfolio. */
export type Standing = {
  readonly account: AccountDocument;
  readonly firstDay: number;
  readonly lastDay: number;
  /** Of the last half year, as far as there was anything. */
  readonly curve: Curve;
  readonly closings: readonly Closings[];
  readonly instruments: Instruments;
  readonly prices: ReadonlyMap<string, YearsOfCloses>;
};

const longest = Math.max(...windows);

/** Undefined for a portfolio that is not there, or had no activity yet. */
export async function readStanding(id: string, read: ReadInputs): Promise<Standing | undefined> {
  const account = (await read(accounts, [id])).get(id) as AccountDocument | undefined;
  if (account?.firstDay === undefined || account.lastDay === undefined) return undefined;
  const { firstDay, lastDay } = account;
  const traded = await readInstruments(read, Object.keys(account.traded));
  const asOf = lastKnownDay(lastDay, traded);
  const from = Math.max(firstDay, asOf - longest);
  const history = await recentHistory(read, { id, account, instruments: traded, from });
  const prices = await readPrices(read, traded, from, asOf);
  const closings = await readClosings(read, id, account);
  const curve = curveOf(history, closesOf(prices, from), { from, to: asOf });
  return { account, firstDay, lastDay, curve, closings, instruments: traded, prices };
}

/**
 * The same when nothing but prices can have changed: only the days from the first other close on are
 * valued. Undefined where that is not enough.
 */
export async function repricedStanding(
  before: Standing,
  read: ReadInputs,
): Promise<Standing | undefined> {
  const { account, firstDay, lastDay, curve } = before;
  const traded = await readInstruments(read, [...before.instruments.keys()]);
  for (const [id, instrument] of traded) {
    if (instrument?.assetClass !== before.instruments.get(id)?.assetClass) return undefined;
  }
  const asOf = lastKnownDay(lastDay, traded);
  const from = Math.max(firstDay, asOf - longest);
  const prices = await readPrices(read, traded, from, asOf);
  const end = curve.from + curve.values.length;
  let changed = end;
  for (const [id, years] of prices) {
    changed = Math.min(changed, firstChange(before.prices.get(id) ?? [], years));
  }
  if (asOf < end - 1 || changed <= Math.max(lastDay, from)) return undefined;
  if (changed > asOf) return { ...before, instruments: traded, prices };
  const held = Object.entries(account.traded).map(
    ([id, [quantity, price]]) => [id, [quantity, price]] as const,
  );
  const day = changed - 1;
  const flows = { deposits: '0', withdrawals: '0' };
  const state = { day, cash: account.cash, ...flows, traded: Object.fromEntries(held) };
  const history: History = { days: [state], instruments: traded, known: { from: day, to: asOf } };
  const tail = curveOf(history, closesOf(prices, changed), { from: changed, to: asOf });
  return { ...before, curve: spliced(curve, from, tail), instruments: traded, prices };
}

async function readInstruments(read: ReadInputs, ids: readonly string[]): Promise<Instruments> {
  const found = await read(instruments, ids);
  return new Map(ids.map((id) => [id, found.get(id) as InstrumentDocument | undefined]));
}

/** The later of the last activity and the last price; a candle of a day may end with the day. */
function lastKnownDay(lastDay: number, traded: Instruments): number {
  let day = lastDay;
  for (const instrument of traded.values()) {
    const end = instrument?.lastPriceAt;
    if (end !== undefined) day = Math.max(day, dayOfTime(end - 1));
  }
  return day;
}

async function readPrices(
  read: ReadInputs,
  traded: Instruments,
  from: number,
  to: number,
): Promise<ReadonlyMap<string, YearsOfCloses>> {
  const prices = new Map<string, YearsOfCloses>();
  for (const [id, instrument] of traded) {
    const hasPrices = instrument?.lastPriceAt !== undefined;
    prices.set(id, hasPrices ? await readYears(read, id, from, to) : []);
  }
  return prices;
}

const closesOf = (prices: ReadonlyMap<string, YearsOfCloses>, from: number) =>
  new Map([...prices].map(([id, years]) => [id, closesFrom(years, from)]));

async function readClosings(
  read: ReadInputs,
  id: string,
  account: AccountDocument,
): Promise<readonly Closings[]> {
  const ids = Object.keys(account.traded).map((instrumentId) => positionId(id, instrumentId));
  const found = await read(positions, ids);
  return [...found.values()].flatMap((one) => (one as unknown as PositionDocument).closings);
}
