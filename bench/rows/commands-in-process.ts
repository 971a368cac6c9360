import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { perSecond } from '../support/statistics.ts';
import { atLeast } from '../table.ts';

const title = 'Commands in process; floor: bare SQLite, one row per transaction';

type Callers = {
  readonly name: string;
  readonly callers: number;
  readonly portfolios: number;
  readonly isOwn: boolean;
  readonly least?: number;
};

const kinds: readonly Callers[] = [
  { name: '64 callers meet on 64 portfolios', callers: 64, portfolios: 64, isOwn: false, least: 2 },
  { name: '64 callers, each on its own', callers: 64, portfolios: 64, isOwn: true },
  { name: 'one caller alone', callers: 1, portfolios: 1, isOwn: true, least: 0.7 },
];

export const commandsInProcess: readonly Benchmark[] = kinds.map((kind) => ({
  title,
  name: kind.name,
  run: (bench) => run(bench, kind),
}));

async function run(bench: Bench, { name, least, ...callers }: Callers) {
  const folder = join(bench.folder, name);
  mkdirSync(folder);
  await using child = startChild<typeof import('../support/callers.ts')>(
    new URL('../support/callers.ts', import.meta.url),
    name,
  );
  const { subject, floor, ratio } = await child.call('compareCallers', { folder, ...callers });
  const targets = least === undefined ? [] : [atLeast(ratio, least, `${least}`)];
  return [{ name, measured: perSecond(subject), floor: perSecond(floor), ratio, targets }];
}
