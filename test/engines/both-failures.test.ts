import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ProjectionService,
  ProjectionState,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { eventually, memoryOf } from '../support/clients.ts';
import { type ElasticsearchProxy, startProxy } from '../support/elasticsearch-proxy.ts';
import { checkAnswers, checkLog, checkViews } from '../support/engine-checks.ts';
import { type Failure, failuresOf, numbersOf } from '../support/engine-failures.ts';
import type { Ledger } from '../support/engine-ledger.ts';
import { type Load, startLoad } from '../support/engine-load.ts';
import { type EngineServer, ownElasticsearch, ownEventStore } from '../support/engine-servers.ts';
import { createServers, type ServerProcess } from '../support/server-processes.ts';
import { temporaryFolder } from '../support/temporary.ts';

// CHAOS_ROUNDS=50 scripts/test-on-engines.sh ../shared/engines both-failures: the whole of it. A
// few rounds run every time. CHAOS_SEED chooses what happens when.
const rounds = Number(process.env.CHAOS_ROUNDS ?? 3);
const seed = Number(process.env.CHAOS_SEED ?? 6);
const elasticsearchPort = Number(process.env.CHAOS_ELASTICSEARCH_PORT ?? 9290);
const eventStorePort = Number(process.env.CHAOS_EVENT_STORE_PORT ?? 21290);

/**
 * From when the stores are back until every command and query goes well again. An idle machine needs
 * some seconds; on a busy one an Elasticsearch that has just started needs more for its first answers.
 */
const backWithinMs = Number(process.env.CHAOS_BACK_WITHIN_MS ?? 120_000);
/** Resident memory of a server process, bytes. */
const memoryLimit = 600 * 2 ** 20;

/** So many failures under one load; then what is stored is checked, and the next load begins. */
const checkEvery = 10;

const folder = temporaryFolder();
const ledger: Ledger = { acknowledged: new Map(), refusals: new Map(), queryFaults: new Map() };
const backAfterMs: number[] = [];
const memories = new Map<string, number[]>();
const random = numbersOf(seed);
let elasticsearch: EngineServer;
let events: EngineServer;
let proxy: ElasticsearchProxy;
let servers: ReturnType<typeof createServers>;
let all: Readonly<Record<'write' | 'projector' | 'read', ServerProcess>>;

beforeAll(async () => {
  elasticsearch = ownElasticsearch(`${folder}-elasticsearch`, elasticsearchPort);
  events = ownEventStore(join(folder, 'events'), eventStorePort);
  await Promise.all([elasticsearch.start(), events.start()]);
  proxy = await startProxy('Elasticsearch', { target: elasticsearch.url, remembers: false });
  // So short that what hangs is noticed within a round as well as outlived.
  const eventsUrl = `${events.url}&keepAliveInterval=2000&keepAliveTimeout=2000&defaultDeadline=3000`;
  const environment = {
    EVENTSTORE_URL: eventsUrl,
    ELASTICSEARCH_URL: proxy.url,
    ELASTICSEARCH_REQUEST_TIMEOUT_MS: '5000',
    LOG_LEVEL: 'warn',
  };
  servers = createServers(folder, environment, backWithinMs);
  all = {
    write: await servers.start('write'),
    projector: await servers.start('projector'),
    read: await servers.start('read'),
  };
}, 600_000);

afterAll(async () => {
  await servers?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await events?.[Symbol.asyncDispose]();
  await elasticsearch?.[Symbol.asyncDispose]();
}, 60_000);

/** Every server is ready, every view is live, and a command is seen by a query. */
async function isServing(load: Load): Promise<void> {
  for (const { ready, url } of Object.values(all)) {
    const { status, body } = await ready();
    if (status !== 200) throw new Error(`${url} is not ready: ${JSON.stringify(body)}`);
  }
  const options = { timeoutMs: 25_000 };
  const status = await all.projector.client(ProjectionService).listProjections({}, options);
  for (const { view, state, lagSeconds } of status.projections) {
    if (state === ProjectionState.LIVE) continue;
    throw new Error(`${view} is in state ${state}, ${lagSeconds} s behind`);
  }
  const newest = [...ledger.acknowledged.values()].at(-1)?.consistencyToken ?? '';
  const consistency = { atLeastAsFreshAs: newest, patience: { seconds: 20n } };
  const question = { userId: 'local', text: load.mark, consistency };
  await all.read.client(TradingQueryService).searchStrategies(question, options);
}

/** One failure after the other, each until everything is well again. */
async function fail(load: Load, happening: readonly Failure[]): Promise<void> {
  for (const failure of happening) {
    await delay(500 + 1_000 * random());
    await failure.happen({ elasticsearch, proxy, events }, random);
    const overAt = performance.now();
    const before = { commands: ledger.acknowledged.size, answers: load.answers() };
    await eventually(async () => {
      load.check();
      await delay(100);
      await isServing(load);
      if (ledger.acknowledged.size === before.commands) throw new Error('no command goes well');
      if (load.answers() === before.answers) throw new Error('no query goes well');
    }, backWithinMs).catch((error: unknown) => {
      load.check();
      throw new Error(`after "${failure.name}": ${error}`, { cause: error });
    });
    backAfterMs.push(Math.round(performance.now() - overAt));
    for (const [name, { child }] of Object.entries(all)) remember(name, memoryOf(child.pid ?? 0));
    remember('event store', events.memory());
    remember('elasticsearch', elasticsearch.memory());
    tell(`${failure.name}: back after ${backAfterMs.at(-1)} ms`);
  }
}

function remember(name: string, bytes: number): void {
  memories.set(name, [...(memories.get(name) ?? []), Math.round(bytes / 2 ** 20)]);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

test(
  'stores that are killed, hang or refuse lose no acknowledged command and make no document wrong',
  async () => {
    const happening = failuresOf(rounds, random);
    for (let from = 0; from < rounds; from += checkEvery) {
      const load = await startLoad(all, ledger, random);
      await fail(load, happening.slice(from, from + checkEvery));
      await load.stop();
      const token = await checkLog(events.url, ledger);
      await checkAnswers(all.read, load, token);
      const compared = await checkViews(all.projector);
      expect(compared).toBeGreaterThan(load.strategies.length);
      tell(
        `seed ${seed}, ${backAfterMs.length} failures: ${ledger.acknowledged.size} commands ` +
          `acknowledged, each once in the log; ${load.answers()} queries answered; ` +
          `${compared} documents verified; a command took ` +
          `${Math.round(load.longestWaitMs())} ms at most`,
      );
    }
    tell(
      [
        `back after ${backAfterMs.toSorted((a, b) => a - b).join(' ')} ms`,
        `commands tried again: ${JSON.stringify(Object.fromEntries(ledger.refusals))}`,
        `queries not answered: ${JSON.stringify(Object.fromEntries(ledger.queryFaults))}`,
        ...[...memories].map(([name, seen]) => `${name}: ${seen.join(' ')} MB`),
      ].join('\n'),
    );
    for (const { child } of Object.values(all)) {
      expect(child.exitCode).toBeNull();
      expect(memoryOf(child.pid ?? 0)).toBeLessThan(memoryLimit);
    }
  },
  240_000 + rounds * 300_000,
);
