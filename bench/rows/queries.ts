import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { echoPath } from '../support/echo-server.ts';
import type { Kind } from '../support/query-load.ts';
import { startServers } from '../support/servers.ts';
import { duration, perSecond, thousands } from '../support/statistics.ts';
import { documentsOfSmallOwner } from '../support/strategies.ts';
import { atLeast, below, type Row } from '../table.ts';

const documents = 200_000;
const ratePerSecond = 500;
const slowRatePerSecond = 20;
const countOfKind = 10_000;
const sampled = 200;

type Question = {
  readonly kind: Kind;
  readonly name: string;
  readonly perSecond: number;
  readonly mostMs?: number;
};

const small = thousands(documentsOfSmallOwner(documents));
const large = thousands(documents / 2);

const questions: readonly Question[] = [
  { kind: 'by id', name: 'by id', perSecond: ratePerSecond, mostMs: 5 },
  {
    ...{ kind: 'search', name: `search in ${small} of one owner` },
    ...{ perSecond: ratePerSecond, mostMs: 50 },
  },
  {
    ...{ kind: 'search in many', name: `search in ${large}, at ${slowRatePerSecond}/s` },
    perSecond: slowRatePerSecond,
  },
];

export const queries: Benchmark = {
  title: `Queries on ${thousands(documents)} documents, ${ratePerSecond}/s; floor: a bare grpc-js echo`,
  name: 'by id, search',
  run: async (bench) => {
    const folder = join(bench.folder, 'queries');
    mkdirSync(folder);
    const count = bench.sized(documents);
    bench.note('queries: the views are built');
    await build(folder, count);
    await using servers = await startServers(folder, ['read']);
    const rows: Row[] = [];
    const address = servers.addresses.read;
    for (const question of questions) {
      bench.note(`queries: ${question.name}`);
      rows.push(...(await rowsOf(bench, address, count, question)));
    }
    rows.push(await capacityRow(bench, address, count));
    return rows;
  },
};

async function build(folder: string, count: number): Promise<void> {
  {
    const module = new URL('../support/build-log.ts', import.meta.url);
    await using child = startChild<typeof import('../support/build-log.ts')>(module);
    await child.call('buildStrategyLog', { folder, count });
  }
  const module = new URL('../support/build-views.ts', import.meta.url);
  await using child = startChild<typeof import('../support/build-views.ts')>(module);
  await child.call('buildViews', { folder, names: ['trading_strategies'] });
}

async function rowsOf(
  bench: Bench,
  address: string,
  built: number,
  { kind, name, perSecond, mostMs }: Question,
): Promise<readonly Row[]> {
  await using client = startClient();
  await using echo = startChild<typeof import('../support/echo-server.ts')>(
    new URL('../support/echo-server.ts', import.meta.url),
  );
  const count = Math.round((bench.sized(countOfKind) * perSecond) / ratePerSecond);
  const load = { kind, documents: built, perSecond, count };
  const seen = await client.call('inspectAnswers', { ...load, address, count: sampled });
  bench.note(
    `${name}: ${seen.bytes} bytes; finds something ${(100 * seen.found).toFixed(0)} %, ` +
      `${seen.matches.toFixed(0)} documents in the mean`,
  );
  const measured = await client.call('timeQueries', { ...load, address });
  const echoAddress = await echo.call('serveEcho', { answerBytes: seen.bytes });
  const floor = await client.call('timeQueries', { ...load, address: echoAddress, path: echoPath });
  return [
    { name: `${name}, p50`, measured: duration(measured.median), floor: duration(floor.median) },
    {
      name: `${name}, p99`,
      measured: duration(measured.p99),
      floor: duration(floor.p99),
      targets: mostMs === undefined ? [] : [below(measured.p99, mostMs, `${mostMs} ms`)],
    },
  ];
}

/** What a read server answers at most of the costliest searches. */
async function capacityRow(bench: Bench, address: string, built: number): Promise<Row> {
  await using client = startClient();
  const load = { kind: 'search in many', documents: built, perSecond: 0 } as const;
  const rate = await client.call('queryRate', { ...load, address, count: bench.sized(1_000) });
  return {
    name: `search in ${large}, at most`,
    measured: perSecond(rate),
    targets: [atLeast(rate, ratePerSecond, perSecond(ratePerSecond))],
  };
}

function startClient() {
  const module = new URL('../support/query-load.ts', import.meta.url);
  return startChild<typeof import('../support/query-load.ts')>(module);
}
