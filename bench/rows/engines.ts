import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { dropIndexes, engineEnvironment } from '../support/engines.ts';
import type { Look } from '../support/freshness-load.ts';
import { perSecond, thousands } from '../support/statistics.ts';
import { atLeast, type Row } from '../table.ts';
import { timeLooks } from './searchable.ts';

const callers = 64;
const events = 400_000;
const leastOfAppends = 0.8;
const leastOfRebuild = 0.7;
const mostMs = { withToken: 250, without: 1_000 } as const;
const pace = {
  perSecond: 20,
  /** Documents come into searches every half second: those who look are not to be the load. */
  pauseMs: 200,
  /** A JVM that has just been started compiles for minutes, on the same two cores. */
  warmUpMs: 60_000,
};
const rebuiltViews = ['trading_trades', 'platform_commands', 'trading_strategies'];

const prefix = `bench-${Date.now().toString(36)}`;

const searchable: Benchmark = {
  title: 'EventStoreDB, Elasticsearch: command to searchable, 20/s; floor: both calls',
  name: 'three processes',
  run: async (bench) => {
    try {
      const mostMsOf = (look: Look) => (look.includes('token') ? mostMs.withToken : mostMs.without);
      return await timeLooks(bench, engineEnvironment({ prefix }), mostMsOf, pace);
    } finally {
      await dropIndexes({ prefix });
    }
  },
};

const commands: Benchmark = {
  title: 'Commands in process over EventStoreDB; floor: raw appends by its client',
  name: `${callers} callers`,
  run: async (bench) => {
    const folder = join(bench.folder, 'engine-commands');
    mkdirSync(folder);
    await using child = startChild<typeof import('../support/engine-commands.ts')>(
      new URL('../support/engine-commands.ts', import.meta.url),
      'engine-commands',
    );
    const rows: Row[] = [];
    for (const isOwn of [true, false]) {
      const load = { folder, callers, isOwn, prefix };
      const { subject, floor, ratio } = await child.call('compareWithAppends', load);
      rows.push({
        name: `${callers} callers, ${isOwn ? 'each on its own' : `meet on ${callers}`}`,
        measured: perSecond(subject),
        floor: perSecond(floor),
        ratio,
        targets: [atLeast(ratio, leastOfAppends, `${leastOfAppends}`)],
      });
    }
    return rows;
  },
};

const rebuild: Benchmark = {
  title: 'Rebuild into Elasticsearch; floor: the slower of raw subscription and bulk',
  name: 'one view, from EventStoreDB',
  run: async (bench) => {
    const count = bench.sized(events);
    bench.note(`rebuild: ${thousands(count)} events are appended`);
    await inChild((child) => child.call('appendTradingMix', { prefix, count }));
    const rows: Row[] = [];
    try {
      bench.note('rebuild: once without counting, for a JVM that has just been started');
      await inChild((child) => child.call('rebuildView', { prefix, view: 'trading_trades' }));
      await dropIndexes({ prefix });
      for (const view of rebuiltViews) rows.push(...(await rowsOf(bench, view)));
    } finally {
      await dropIndexes({ prefix });
    }
    return rows;
  },
};

/** Rates of the log's events: as if the bulk had to write what comes of so many of them. */
async function rowsOf(bench: Bench, view: string): Promise<readonly Row[]> {
  bench.note(`rebuild: ${view}`);
  const built = await inChild((child) => child.call('rebuildView', { prefix, view }), view);
  bench.note(`rebuild: raw, for ${thousands(built.documents)} documents`);
  const read = await inChild((child) => child.call('readBySubscription'));
  const bulk = await inChild((child) =>
    child.call('writeByBulk', { prefix, view, documents: built.documents }),
  );
  await dropIndexes({ prefix });
  const floorSeconds = Math.max(read.seconds, bulk);
  const ratio = floorSeconds / built.seconds;
  return [
    { name: 'raw subscription', measured: perSecond(read.events / read.seconds) },
    { name: `raw bulk, for ${view}`, measured: perSecond(read.events / bulk) },
    {
      name: view,
      measured: perSecond(read.events / built.seconds),
      floor: perSecond(read.events / floorSeconds),
      ratio,
      targets: [atLeast(ratio, leastOfRebuild, `${leastOfRebuild}`)],
    },
  ];
}

async function inChild<Result>(
  use: (child: ReturnType<typeof startRebuild>) => Promise<Result>,
  profileName?: string,
): Promise<Result> {
  await using child = startRebuild(profileName === undefined ? undefined : `engine-${profileName}`);
  return await use(child);
}

function startRebuild(profileName: string | undefined) {
  const module = new URL('../support/engine-rebuild.ts', import.meta.url);
  return startChild<typeof import('../support/engine-rebuild.ts')>(module, profileName);
}

/** The servers of the first one start on a log that is empty: they have nothing to build. */
export const engines: readonly Benchmark[] = [searchable, commands, rebuild];
