import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { duration } from '../support/statistics.ts';
import { atMost } from '../table.ts';

const length = 1_000_000;
const most = 1.2;

export const streams: Benchmark = {
  title: 'A command on a stream of 1,000,000 events; floor: on one of 10',
  name: 'commands in process, one alone',
  run: async (bench) => {
    const folder = join(bench.folder, 'streams');
    mkdirSync(folder);
    await using child = startChild<typeof import('../support/streams.ts')>(
      new URL('../support/streams.ts', import.meta.url),
      'streams',
    );
    const times = await child.call('timeOnStreams', { folder, length });
    return [
      {
        name: 'warm, median',
        measured: duration(times.long),
        floor: duration(times.short),
        ratio: times.ratio,
        targets: [atMost(times.ratio, most, `${most}`)],
      },
      {
        name: 'cold: a snapshot and 495 events',
        measured: duration(times.coldLong),
        floor: duration(times.coldShort),
      },
    ];
  },
};
