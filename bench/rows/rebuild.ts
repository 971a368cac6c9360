import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeOptions } from '../../cmd/node-options.ts';
import { views } from '../../cmd/views.ts';
import type { Bench, Benchmark } from '../benchmark.ts';
import type { Built } from '../support/build-views.ts';
import { startChild } from '../support/child.ts';
import { perSecond, thousands } from '../support/statistics.ts';
import { atLeast, below, type Row } from '../table.ts';

const manyEvents = 1_000_000;
const fewerEvents = 200_000;
/** The one with most documents that comes of trading. */
const largestView = 'trading_trades';
const leastPerSecond = 25_000;
const mostMegabytes = 400;

const title = (events: number) =>
  `Rebuild of ${thousands(events)} events; floor: bare SQLite, one upsert per event`;

const one: Benchmark = {
  title: title(manyEvents),
  name: largestView,
  run: (bench) => run(bench, bench.sized(manyEvents), [largestView]),
};

const each: Benchmark = {
  title: title(fewerEvents),
  name: 'every view',
  run: (bench) =>
    run(bench, bench.sized(fewerEvents), [...fromEvents.map(({ name }) => name), undefined]),
};

/** A derived view is not built of the log. */
const fromEvents = views.filter(({ derived }) => derived === undefined);

export const rebuilds: readonly Benchmark[] = [one, each];

/** @param names of the views that are built, each by a process of its own; undefined: all in one */
async function run(
  bench: Bench,
  events: number,
  names: readonly (string | undefined)[],
): Promise<readonly Row[]> {
  const folder = join(bench.folder, 'rebuild');
  mkdirSync(folder);
  await buildLog(folder, events);
  const { read, upsert } = await floorsOf(folder);
  const rows: Row[] = [{ name: 'reading the log alone', measured: perSecond(read) }];
  for (const name of names) {
    bench.note(`rebuild: ${name ?? 'all views'}`);
    const rebuilt = await rebuild(folder, name);
    // A view that this log has nothing for shows nothing.
    if (rebuilt.documents === 0) continue;
    rows.push(...rowsOf(name ?? 'all views in one process', events, rebuilt, upsert));
  }
  rmSync(folder, { recursive: true });
  return rows;
}

async function buildLog(folder: string, count: number): Promise<void> {
  const module = new URL('../support/build-log.ts', import.meta.url);
  await using child = startChild<typeof import('../support/build-log.ts')>(module);
  await child.call('buildTradingLog', { folder, count });
}

async function floorsOf(folder: string) {
  const module = new URL('../support/rebuild-floors.ts', import.meta.url);
  await using child = startChild<typeof import('../support/rebuild-floors.ts')>(module);
  const read = await child.call('readRate', { folder });
  return { read, upsert: await child.call('upsertRate', { folder }) };
}

async function rebuild(folder: string, name: string | undefined): Promise<Built> {
  const module = new URL('../support/build-views.ts', import.meta.url);
  const profileName = `rebuild-${name ?? 'all'}`;
  await using child = startChild<typeof import('../support/build-views.ts')>(
    module,
    profileName,
    nodeOptions.projector,
  );
  return await child.call('buildViews', {
    ...{ folder, file: `views-${name ?? 'all'}.db` },
    ...(name !== undefined && { names: [name] }),
  });
}

function rowsOf(name: string, events: number, rebuilt: Built, upsert: number): readonly Row[] {
  const rate = events / rebuilt.seconds;
  const megabytes = rebuilt.maxBytes / 1e6;
  return [
    {
      name,
      measured: perSecond(rate),
      floor: perSecond(upsert),
      ratio: rate / upsert,
      targets: [atLeast(rate, leastPerSecond, thousands(leastPerSecond))],
    },
    {
      name: '  largest resident memory',
      measured: `${megabytes.toFixed(0)} MB`,
      targets: [below(megabytes, mostMegabytes, `${mostMegabytes} MB`)],
    },
  ];
}
