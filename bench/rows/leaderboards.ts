import type { Bench } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { startServers } from '../support/servers.ts';
import type { Asked } from '../support/sizes-load.ts';
import type { Sizes } from '../support/sizes-log.ts';
import { duration, median, thousands } from '../support/statistics.ts';
import { below, type Row } from '../table.ts';

const perSecond = 25;
const asks = 600;
const warmUps = 150;
const mostMs = 50;
const ticks = 10;
const tickPauseMs = 200;
const depositsPerSecond = 100;
const deposits = 2_000;

const questions: readonly { readonly asked: Asked; readonly name: string }[] = [
  { asked: 'leaderboard', name: 'ListLeaderboard' },
  { asked: 'performance', name: 'GetPortfolioPerformance' },
  { asked: 'strategy', name: 'GetStrategy' },
];

type Measured = { readonly median: number; readonly p99: number; readonly most: number };

/**
 * Queries while nothing else goes on, while portfolios are paid into, and while prices arrive that
 * concern every portfolio, of which each is awaited in the leaderboard.
 */
export async function timeLeaderboards(
  bench: Bench,
  folder: string,
  { portfolios, strategies }: Sizes,
): Promise<readonly Row[]> {
  await using servers = await startServers(folder, ['projector', 'read']);
  const address = servers.addresses.read;
  await using writer = startLoad();
  const written = { folder, address };
  let nextTick = 0;
  const sendTicks = async (count: number, pauseMs: number) => {
    const times = await writer.call('timeTicks', { ...written, first: nextTick, count, pauseMs });
    nextTick += count;
    return times;
  };
  const ask = async (asked: Asked, count: number, seed: number) => {
    await using client = startLoad();
    const load = { address, asked, portfolios, strategies, perSecond };
    await client.call('timeAsked', { ...load, count: Math.min(warmUps, count), seed: seed + 1 });
    return await client.call('timeAsked', { ...load, count, seed });
  };
  const askAll = async (seed: number) => {
    const measured = new Map<Asked, Measured>();
    for (const { asked } of questions)
      measured.set(asked, await ask(asked, bench.sized(asks), seed));
    return measured;
  };

  bench.note('sizes: a projector that has just been started computes all standings');
  const [started = Number.NaN] = await sendTicks(1, 0);
  bench.note('sizes: queries alone');
  const alone = await askAll(10);
  bench.note('sizes: prices alone');
  const quietly = await sendTicks(ticks, tickPauseMs);
  bench.note('sizes: queries while prices arrive');
  const seenAfter: number[] = [];
  const load = { goesOn: true };
  const ticking = (async () => {
    while (load.goesOn) seenAfter.push(...(await sendTicks(1, tickPauseMs)));
  })();
  const during = await askAll(20);
  load.goesOn = false;
  await ticking;
  bench.note('sizes: queries while portfolios are paid into');
  const depositing = writer.call('timeDeposits', {
    ...{ ...written, portfolios, first: 0 },
    ...{ count: bench.sized(deposits), perSecond: depositsPerSecond },
  });
  const paying = await ask('leaderboard', bench.sized(asks), 30);
  const paid = await depositing;

  const all = thousands(portfolios);
  return [
    { name: `start to ${all} standings`, measured: duration(started) },
    ...questions.flatMap(({ asked, name }) => rowsOf(name, alone.get(asked), 'alone')),
    ...questions.flatMap(({ asked, name }) => rowsOf(name, during.get(asked), 'while prices come')),
    ...rowsOf('ListLeaderboard', paying, `${depositsPerSecond} deposits/s`),
    { name: `a price for ${all} portfolios`, measured: duration(median(quietly)) },
    { name: '  until on the board, beside queries', measured: duration(median(seenAfter)) },
    { name: 'a deposit, until on the board', measured: duration(median(paid)) },
  ];
}

function rowsOf(name: string, measured: Measured | undefined, when: string): readonly Row[] {
  if (measured === undefined) return [];
  const { median: half, p99 } = measured;
  return [
    { name, measured: duration(half) },
    {
      ...{ name: `  p99, ${when}`, measured: duration(p99) },
      targets: [below(p99, mostMs, `${mostMs} ms`)],
    },
  ];
}

function startLoad() {
  return startChild<typeof import('../support/sizes-load.ts')>(
    new URL('../support/sizes-load.ts', import.meta.url),
  );
}
