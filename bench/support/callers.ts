import { join } from 'node:path';
import { openBareTable, rowsOfLog } from './bare-sqlite.ts';
import { eventsFile, openBus } from './command-bus.ts';
import { type Compared, compare, ratePerSecond } from './rounds.ts';

const rounds = 9;
const roundMs = 500;

/** Commands of so many callers, each after the other, against one row per transaction. */
export async function compareCallers(input: {
  readonly folder: string;
  readonly callers: number;
  readonly portfolios: number;
  /** Each portfolio has one caller alone; otherwise they meet at random. */
  readonly isOwn: boolean;
}): Promise<Compared> {
  const { folder, callers, portfolios, isOwn } = input;
  await using bus = await openBus(folder);
  const ids = await Promise.all(Array.from({ length: portfolios }, bus.open));
  const choose = (caller: number) =>
    ids[isOwn ? caller : Math.floor(Math.random() * ids.length)] ?? '';
  const send = () => ratePerSecond(roundMs, callers, (caller) => bus.deposit(choose(caller)));
  await send();
  using bare = openBareTable(folder, rowsOfLog(join(folder, eventsFile), 1_000));
  return await compare(rounds, send, () => bare.insertRate(roundMs, 1));
}
