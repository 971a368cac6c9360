import { join } from 'node:path';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { eventsFile } from './command-bus.ts';
import type { StreamEvent } from './events.ts';
import { portfolioLog } from './portfolio-log.ts';
import { strategyLog } from './strategies.ts';
import { tradingMix } from './trading-mix.ts';

const eventsAtOnce = 500;

/** Appends events one by one in their order, many in a commit. */
export async function appendAll(folder: string, events: Iterable<StreamEvent>): Promise<void> {
  await using log = createSqliteEventLog({
    path: join(folder, eventsFile),
    synchronous: 'NORMAL',
  });
  let appends: Promise<unknown>[] = [];
  for (const { stream, event } of events) {
    appends.push(log.append(stream, 'any', [event]));
    if (appends.length < eventsAtOnce) continue;
    await Promise.all(appends);
    appends = [];
  }
  await Promise.all(appends);
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
