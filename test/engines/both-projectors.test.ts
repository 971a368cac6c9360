import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, jest, test } from '@jest/globals';
import { createEventStoreDbSource } from '../../src/engines/eventstoredb/store.ts';
import { ProjectionService } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { toToken } from '../../src/kernel/token.ts';
import { ask, dropEverything } from '../support/elasticsearch.ts';
import { checkAnswers, checkViews } from '../support/engine-checks.ts';
import {
  projectorOf,
  startProbe,
  untilLive,
  untilStandby,
  watchPositions,
} from '../support/engine-cluster-projectors.ts';
import { numbersOf } from '../support/engine-failures.ts';
import { startLoad } from '../support/engine-load.ts';
import { createServers, type ServerProcess } from '../support/server-processes.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Two projectors on the same indexes: one works, the other stands by and takes over.

jest.setTimeout(300_000);

/** How often the one that works is stopped, and let go on when the other one works. */
const rounds = Number(process.env.PROJECTORS_ROUNDS ?? 2);
const random = numbersOf(Number(process.env.PROJECTORS_SEED ?? 9));
const prefix = `projectors-${randomUUID().slice(0, 8)}`;
const view = 'trading_portfolios';
const folder = temporaryFolder();
const connectionString = process.env.EVENTSTORE_URL ?? '';

const takenOverMs: string[] = [];

afterAll(() => dropEverything(prefix));

/**
 * Since the one that worked was killed or stopped: what is written then is seen. After how long is
 * told: an idle machine needs the time of a lease, and some hundred milliseconds.
 */
async function expectTakenOver(probe: () => Promise<number>, what: string): Promise<void> {
  takenOverMs.push(`${what} ${await probe()}`);
}

/** In the middle of its work, which is more than usual: a generation is built beside. */
async function stopAtWork(worker: ServerProcess): Promise<void> {
  const rebuild = async () => {
    for await (const _ of worker.client(ProjectionService).rebuildProjection({ view }));
  };
  // It may be stopped before it is done: then the other one finishes it.
  rebuild().catch(() => undefined);
  await delay(300 * random());
  worker.child.kill('SIGSTOP');
}

async function headToken(): Promise<string> {
  await using source = createEventStoreDbSource({ connectionString });
  return toToken((await source.head()).position);
}

async function startServers(servers: ReturnType<typeof createServers>) {
  const kinds = ['write', 'read', 'projector'] as const;
  const started = await Promise.all(kinds.map((kind) => servers.start(kind)));
  const [write, read, one] = started as [ServerProcess, ServerProcess, ServerProcess];
  await untilLive(one);
  const two = await servers.start('projector');
  await untilStandby(two);
  return { write, read, one, two };
}

type Pair = { readonly worker: ServerProcess; readonly other: ServerProcess };

/** The one that works hangs, and goes on at what it was at when the other one works. */
async function hangAndComeBack(
  { worker, other }: Pair,
  probe: () => Promise<number>,
): Promise<void> {
  await untilStandby(other);
  await stopAtWork(worker);
  try {
    await expectTakenOver(probe, 'stopped');
    await delay(1_000 * random());
  } finally {
    worker.child.kill('SIGCONT');
  }
  await untilStandby(worker);
  const { name } = await projectorOf(other);
  expect((await projectorOf(worker)).worker).toBe(name);
}

test('one is killed, one hangs and comes back: the other one works, nothing is doubled', async () => {
  const environment = {
    EVENTSTORE_URL: connectionString,
    ELASTICSEARCH_URL: process.env.ELASTICSEARCH_URL,
    ELASTICSEARCH_INDEX_PREFIX: prefix,
    LOG_LEVEL: 'warn',
  };
  await using servers = createServers(folder, environment, 120_000);
  const { write, read, one, two } = await startServers(servers);
  expect((await two.ready()).body).toMatchObject({ ready: true, state: 'standby' });

  const ledger = { acknowledged: new Map(), refusals: new Map(), queryFaults: new Map() };
  const load = await startLoad({ write, read }, ledger, random, { writers: 16 });
  const { projections } = await projectorOf(one);
  const watch = watchPositions([
    ...projections.map((each) => ({ _index: `${prefix}-${each.view}`, _id: '~checkpoint' })),
    ...load.portfolios.map(({ id }) => ({ _index: `${prefix}-${view}`, _id: id })),
  ]);
  const probe = await startProbe(write, read);
  let pair: Pair = { worker: one, other: two };
  try {
    await delay(500);
    await one.stop('SIGKILL');
    await expectTakenOver(probe, 'killed');
    pair = { worker: two, other: await one.again() };
    for (let round = 0; round < rounds; round += 1) {
      await hangAndComeBack(pair, probe);
      pair = { worker: pair.other, other: pair.worker };
      load.check();
    }
  } finally {
    await load.stop();
    await watch.stop();
  }

  await checkAnswers(read, load, await headToken());
  const compared = await checkViews(pair.worker);
  expect(watch.wrong).toEqual([]);
  expect(watch.seen()).toBe(projections.length + load.portfolios.length);
  const live = (await ask('GET', `/_cat/aliases/${prefix}-${view}?format=json`)) as unknown[];
  expect(live).toHaveLength(1);
  console.info(
    `taken over, ms: ${takenOverMs.join(', ')}; ${ledger.acknowledged.size} commands, ` +
      `${load.answers()} queries, positions looked at ${watch.looks()} times, ` +
      `${compared} documents verified`,
  );
});
