import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import type { Question } from '../support/portfolio-load.ts';
import { startServers } from '../support/servers.ts';
import { duration, median, percentile, thousands } from '../support/statistics.ts';
import { below, type Row } from '../table.ts';

const activities = 14_400;
const mostMs = 50;
const freshServers = 5;
const answers = 300;

const questions: readonly { readonly question: Question; readonly name: string }[] = [
  { question: 'portfolio', name: 'GetPortfolio' },
  { question: 'performance', name: 'GetPortfolioPerformance' },
  { question: 'value series', name: 'GetPortfolioValueSeries' },
  { question: 'trades', name: 'ListTrades, 50' },
];

export const portfolio: Benchmark = {
  title: `A portfolio of ${thousands(activities)} activities in four years`,
  name: 'one query at a time',
  run: async (bench) => {
    const folder = join(bench.folder, 'portfolio');
    mkdirSync(folder);
    await build(folder, bench.sized(activities));
    const rows: Row[] = [];
    for (const { question, name } of questions) {
      bench.note(`portfolio: ${name}`);
      rows.push(...(await rowsOf(bench, folder, question, name)));
    }
    return rows;
  },
};

async function build(folder: string, count: number): Promise<void> {
  {
    const module = new URL('../support/build-log.ts', import.meta.url);
    await using child = startChild<typeof import('../support/build-log.ts')>(module);
    await child.call('buildPortfolioLog', { folder, activities: count });
  }
  const module = new URL('../support/build-views.ts', import.meta.url);
  await using child = startChild<typeof import('../support/build-views.ts')>(module);
  await child.call('buildViews', { folder });
}

async function rowsOf(
  bench: Bench,
  folder: string,
  question: Question,
  name: string,
): Promise<readonly Row[]> {
  const cold: number[] = [];
  let warm: readonly number[] = [];
  for (let i = 0; i < freshServers; i += 1) {
    await using servers = await startServers(folder, ['read']);
    await using client = startChild<typeof import('../support/portfolio-load.ts')>(
      new URL('../support/portfolio-load.ts', import.meta.url),
    );
    const address = servers.addresses.read;
    // The server is cold, not the connection to it.
    await client.call('connect', { address });
    cold.push(...(await client.call('timeAnswers', { address, question, count: 1 })));
    if (i < freshServers - 1) continue;
    warm = await client.call('timeAnswers', { address, question, count: bench.sized(answers) });
    const seen = await client.call('inspectPortfolio', { address });
    if (seen.positions === 0 || seen.sharpe === undefined) throw new Error('nothing is answered');
  }
  const [first, p99] = [median(cold), percentile(warm, 0.99)];
  const targets = (ms: number) => [below(ms, mostMs, `${mostMs} ms`)];
  return [
    { name: `${name}, first`, measured: duration(first), targets: targets(first) },
    { name: '  then, p50', measured: duration(median(warm)) },
    { name: '  then, p99', measured: duration(p99), targets: targets(p99) },
  ];
}
