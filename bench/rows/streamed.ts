import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { startServers } from '../support/servers.ts';
import { perSecond, thousands } from '../support/statistics.ts';
import { atLeast } from '../table.ts';

const title = 'Streamed; floor: bare SQLite, ten rows per transaction';
const leastPerSecond = 25_000;
const leastRatio = 0.7;

const commands: Benchmark = {
  title,
  name: 'commands by StreamCommands',
  run: async (bench) => {
    const folder = join(bench.folder, 'streamed');
    await using servers = await startServers(folder, ['write']);
    await using client = startChild<typeof import('../support/streamed-load.ts')>(
      new URL('../support/streamed-load.ts', import.meta.url),
      'streamed-client',
    );
    const address = servers.addresses.write;
    const { subject, floor, ratio } = await client.call('compareStreamed', { address, folder });
    return [
      {
        name: commands.name,
        measured: perSecond(subject),
        floor: perSecond(floor),
        ratio,
        targets: [
          atLeast(subject, leastPerSecond, thousands(leastPerSecond)),
          atLeast(ratio, leastRatio, `${leastRatio}`),
        ],
      },
    ];
  },
};

const appends: Benchmark = {
  title,
  name: 'appends of ten events to the log',
  run: async (bench) => {
    const folder = join(bench.folder, 'appends');
    mkdirSync(folder);
    await using child = startChild<typeof import('../support/appends.ts')>(
      new URL('../support/appends.ts', import.meta.url),
      'appends',
    );
    const { subject, floor, ratio } = await child.call('compareAppends', { folder });
    return [{ name: appends.name, measured: perSecond(subject), floor: perSecond(floor), ratio }];
  },
};

export const streamed: readonly Benchmark[] = [commands, appends];
