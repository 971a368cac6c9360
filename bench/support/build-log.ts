import { join } from 'node:path';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { eventsFile } from './command-bus.ts';
import type { StreamEvent } from './events.ts';
import { portfolioLog } from './portfolio-log.ts';
import { type Sizes, sizesLog } from './sizes-log.ts';
import { strategyLog } from './strategies.ts';
import { tradingMix } from './trading-mix.ts';

const eventsAtOnce = 500;

/** Appends events one by one in their order, many in a commit. @returns how many */
export async function appendAll(folder: string, events: Iterable<StreamEvent>): Promise<number> {
  await using log = createSqliteEventLog({
    path: join(folder, eventsFile),
    synchronous: 'NORMAL',
  });
  let appends: Promise<unknown>[] = [];
  let count = 0;
  for (const { stream, event } of events) {
    appends.push(log.append(stream, 'any', [event]));
    count += 1;
    if (appends.length < eventsAtOnce) continue;
    await Promise.all(appends);
    appends = [];
  }
  await Promise.all(appends);
  return count;
}

/** @returns how many events there are, and how long they took to be made and appended */
export async function buildSizesLog(input: { readonly folder: string; readonly sizes: Sizes }) {
  const startedAt = performance.now();
  const events = await appendAll(input.folder, sizesLog(input.sizes));
  return { events, seconds: (performance.now() - startedAt) / 1000 };
}

export async function buildTradingLog(input: {
  readonly folder: string;
  readonly count: number;
}): Promise<void> {
  await appendAll(input.folder, tradingMix(input.count));
}

export async function buildStrategyLog(input: {
  readonly folder: string;
  readonly count: number;
}): Promise<void> {
  await appendAll(input.folder, strategyLog(input.count));
}

export async function buildPortfolioLog(input: {
  readonly folder: string;
  readonly activities: number;
}): Promise<void> {
  await appendAll(input.folder, portfolioLog(input.activities));
}
