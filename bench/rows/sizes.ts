import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nodeOptions } from '../../cmd/node-options.ts';
import type { Bench, Benchmark } from '../benchmark.ts';
import { viewsFile } from '../support/build-views.ts';
import { startChild } from '../support/child.ts';
import { eventsFile } from '../support/command-bus.ts';
import type { Sizes } from '../support/sizes-log.ts';
import { perSecond, thousands } from '../support/statistics.ts';
import type { Row } from '../table.ts';
import { timeLeaderboards } from './leaderboards.ts';

const whole: Sizes = {
  strategies: 100_000,
  portfolios: 10_000,
  candles: 10_000_000,
  trades: 2_000_000,
};

const { strategies, portfolios, candles, trades } = whole;

export const sizes: Benchmark = {
  title:
    `${thousands(strategies)} strategies, ${thousands(portfolios)} portfolios, ` +
    `${thousands(candles)} candles, ${thousands(trades)} trades`,
  name: 'sizes: import, rebuild, queries at 25/s',
  run: async (bench) => {
    const folder = join(bench.folder, 'sizes');
    mkdirSync(folder);
    const own = {
      strategies: bench.sized(strategies),
      portfolios: bench.sized(portfolios),
      candles: bench.sized(candles),
      trades: bench.sized(trades),
    };
    const rows = [...(await build(bench, folder, own))];
    rows.push(...(await timeLeaderboards(bench, folder, own)));
    rmSync(folder, { recursive: true });
    return rows;
  },
};

async function build(bench: Bench, folder: string, own: Sizes): Promise<readonly Row[]> {
  bench.note('sizes: import');
  const { events, seconds } = await inChild<typeof import('../support/build-log.ts'), Imported>(
    '../support/build-log.ts',
    (child) => child.call('buildSizesLog', { folder, sizes: own }),
  );
  bench.note('sizes: rebuild of all views');
  const built = await inChild<typeof import('../support/build-views.ts'), Rebuilt>(
    '../support/build-views.ts',
    (child) => child.call('buildViews', { folder }),
  );
  return [
    { name: `import of ${thousands(events)} events`, measured: perSecond(events / seconds) },
    { name: '  in all', measured: `${seconds.toFixed(0)} s` },
    { name: '  the log', measured: gigabytes(folder, eventsFile) },
    { name: 'rebuild of all views at once', measured: `${built.seconds.toFixed(0)} s` },
    { name: '  events applied', measured: perSecond(built.applied / built.seconds) },
    { name: '  documents', measured: thousands(built.documents) },
    { name: '  the read models', measured: gigabytes(folder, viewsFile) },
    { name: '  largest resident memory', measured: `${(built.maxBytes / 1e6).toFixed(0)} MB` },
  ];
}

type Imported = { readonly events: number; readonly seconds: number };
type Rebuilt = Awaited<ReturnType<typeof import('../support/build-views.ts').buildViews>>;

async function inChild<Module, Result>(
  module: string,
  use: (child: ReturnType<typeof startChild<Module>>) => Promise<Result>,
): Promise<Result> {
  await using child = startChild<Module>(
    new URL(module, import.meta.url),
    undefined,
    nodeOptions.projector,
  );
  return await use(child);
}

function gigabytes(folder: string, file: string): string {
  return `${(statSync(join(folder, file)).size / 1e9).toFixed(2)} GB`;
}
