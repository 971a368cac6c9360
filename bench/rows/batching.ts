import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import type { FixedBatch } from '../support/follower.ts';
import { duration, median, percentile, perSecond, thousands } from '../support/statistics.ts';
import { atLeast, atMost, type Row } from '../table.ts';

const calmRate = 50;
const busyRate = 500;
const calmCount = 250;
const busyCount = 2_500;
const backlog = 10_000;
const rounds = 3;

const small: FixedBatch = { size: 20, waitMs: 0 };
const large: FixedBatch = { size: 5_000, waitMs: 250 };

/** The adaptive rule has to be, within so much, as good as the better of the two. */
const mostLag = 1.5;
const leastRate = 0.9;

/** One way to batch: a projector and its log, each in a process of its own. */
type Way = {
  readonly follow: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** From the commit of an event to its being in every view: milliseconds, 99 of 100 below. */
  readonly lag: (rate: number, count: number) => Promise<number>;
  readonly append: (count: number) => Promise<void>;
  /** Waits until every view has what was appended last. */
  readonly catchUp: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** Of each way, a figure of each round. */
type Figures = readonly [adaptive: number[], small: number[], large: number[]];

export const batching: Benchmark = {
  title: 'Adaptive batches, every view; floors: batches of 20, and of 5,000 or 250 ms',
  name: 'lag and rate',
  run: async (bench) => {
    await using adaptive = await startWay(bench, 'adaptive', undefined);
    await using ofSmall = await startWay(bench, 'small', small);
    await using ofLarge = await startWay(bench, 'large', large);
    const ways = [adaptive, ofSmall, ofLarge] as const;
    bench.note('batches: lag');
    for (const way of ways) await way.lag(calmRate, bench.sized(calmCount));
    const calm = await inTurns(ways, (way) => way.lag(calmRate, bench.sized(calmCount)));
    const busy = await inTurns(ways, (way) => way.lag(busyRate, bench.sized(busyCount)));
    for (const way of ways) await way.stop();
    bench.note('batches: behind');
    const behind = await inTurns(ways, (way) => rateBehind(way, bench.sized(backlog)));
    return [
      lagRow(`lag p99 at ${calmRate}/s; of 20`, calm, 1, mostLag),
      lagRow(`lag p99 at ${calmRate}/s; of 5,000`, calm, 2, 1),
      lagRow(`lag p99 at ${busyRate}/s; of 20`, busy, 1, mostLag),
      lagRow(`lag p99 at ${busyRate}/s; of 5,000`, busy, 2, 1),
      rateRow(`${thousands(backlog)} behind; of 20`, behind, 1, 1),
      rateRow(`${thousands(backlog)} behind; of 5,000`, behind, 2, leastRate),
    ];
  },
};

async function inTurns(
  ways: readonly [Way, Way, Way],
  measure: (way: Way) => Promise<number>,
): Promise<Figures> {
  const figures: Figures = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    // Each comes first once.
    for (let turn = 0; turn < ways.length; turn += 1) {
      const which = ((round + turn) % ways.length) as 0 | 1 | 2;
      figures[which].push(await measure(ways[which]));
    }
  }
  return figures;
}

/** Events a second that a projector applies which finds so many of them when it starts. */
async function rateBehind(way: Way, count: number): Promise<number> {
  await way.append(count);
  const startedAt = performance.now();
  await way.follow();
  await way.catchUp();
  const rate = (count * 1000) / (performance.now() - startedAt);
  await way.stop();
  return rate;
}

async function startWay(bench: Bench, name: string, batch: FixedBatch | undefined): Promise<Way> {
  const folder = join(bench.folder, `batching-${name}`);
  mkdirSync(folder);
  const follower = startChild<typeof import('../support/follower.ts')>(
    new URL('../support/follower.ts', import.meta.url),
    `follower-${name}`,
  );
  const appender = startChild<typeof import('../support/appender.ts')>(
    new URL('../support/appender.ts', import.meta.url),
  );
  const follow = () => follower.call('follow', { folder, ...(batch !== undefined && { batch }) });
  await appender.call('open', { folder });
  await follow();
  let last = 0;
  return {
    follow,
    stop: () => follower.call('stopFollowing'),
    lag: async (rate, count) => {
      const { commits, times } = await appender.call('appendAt', { perSecond: rate, count });
      const applied = await follower.call('timesApplied', { commits });
      const lags = applied.map((at, index) => at - (times[index] ?? Number.NaN));
      return percentile(lags, 0.99);
    },
    append: async (count) => {
      last = await appender.call('appendMany', { count });
    },
    catchUp: async () => {
      await follower.call('timesApplied', { commits: [last] });
    },
    [Symbol.asyncDispose]: async () => {
      await follower.call('stopFollowing');
      await appender.call('close');
      await follower[Symbol.asyncDispose]();
      await appender[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

function lagRow(name: string, figures: Figures, against: 1 | 2, most: number): Row {
  const { measured, floor, ratio } = compared(figures, against);
  const targets = [atMost(ratio, most, `${most}`)];
  return { name, measured: duration(measured), floor: duration(floor), ratio, targets };
}

function rateRow(name: string, figures: Figures, against: 1 | 2, least: number): Row {
  const { measured, floor, ratio } = compared(figures, against);
  const targets = [atLeast(ratio, least, `${least}`)];
  return { name, measured: perSecond(measured), floor: perSecond(floor), ratio, targets };
}

function compared([adaptive, ...others]: Figures, against: 1 | 2) {
  const fixed = others[against - 1] ?? [];
  const ratios = adaptive.map((figure, round) => figure / (fixed[round] ?? Number.NaN));
  return { measured: median(adaptive), floor: median(fixed), ratio: median(ratios) };
}
