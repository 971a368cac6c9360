import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import type { Load, Look } from '../support/freshness-load.ts';
import { startServers } from '../support/servers.ts';
import { duration } from '../support/statistics.ts';
import { below, type Row } from '../table.ts';

const countOfLook = 1_000;
const mostMs = 50;

const looks: readonly Look[] = [
  'by id, with token',
  'search, with token',
  'search, again and again',
];

export const searchable: Benchmark = {
  title: 'Command to searchable, 20/s; floor: both calls, for an older one',
  name: 'three processes',
  run: (bench) =>
    timeLooks(bench, {}, () => mostMs, { perSecond: 20, pauseMs: 1, warmUpMs: 5_000 }),
};

/** @param mostMsOf what 99 of 100 have to stay below */
export async function timeLooks(
  bench: Bench,
  environment: NodeJS.ProcessEnv,
  mostMsOf: (look: Look) => number,
  pace: Pick<Load, 'perSecond' | 'pauseMs' | 'warmUpMs'>,
): Promise<readonly Row[]> {
  const folder = join(bench.folder, 'searchable');
  await using servers = await startServers(folder, ['write', 'projector', 'read'], environment);
  const { write, read } = servers.addresses;
  await using client = startChild<typeof import('../support/freshness-load.ts')>(
    new URL('../support/freshness-load.ts', import.meta.url),
  );
  const count = bench.sized(countOfLook);
  const warmUpMs = bench.sized(pace.warmUpMs);
  const times = (look: Look) =>
    client.call('timeToSeen', { write, read, look, ...pace, count, warmUpMs });
  const floor = await times('of old');
  const rows: Row[] = [];
  for (const look of looks) {
    bench.note(`searchable: ${look}`);
    const measured = await times(look);
    const mostMs = mostMsOf(look);
    rows.push(
      { name: `${look}, p50`, measured: duration(measured.median), floor: duration(floor.median) },
      {
        ...{ name: `${look}, p99`, measured: duration(measured.p99), floor: duration(floor.p99) },
        targets: [below(measured.p99, mostMs, `${mostMs} ms`)],
      },
    );
  }
  return rows;
}
