import { randomUUID } from 'node:crypto';
import { afterAll, expect, jest, test } from '@jest/globals';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { eventually } from '../support/clients.ts';
import { dropEverything } from '../support/elasticsearch.ts';
import { checkViews } from '../support/engine-checks.ts';
import { checkReceipts, checkStreams } from '../support/engine-cluster-checks.ts';
import {
  cashCommand,
  createClusterClients,
  type Desk,
  deskOf,
  nameCommand,
  openCommand,
  type Said,
} from '../support/engine-cluster-clients.ts';
import { numbersOf } from '../support/engine-failures.ts';
import { createServers, type ServerProcess } from '../support/server-processes.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Three write servers on one event store, and 64 clients who do not care which one they talk to.

jest.setTimeout(300_000);

const clients = 64;
const commandsEach = Number(process.env.WRITERS_COMMANDS ?? 8);
const random = numbersOf(Number(process.env.WRITERS_SEED ?? 7));
const prefix = `writers-${randomUUID().slice(0, 8)}`;
const mark = randomUUID().slice(0, 8);
const folder = temporaryFolder();

afterAll(() => dropEverything(prefix));

type Office = ReturnType<typeof createClusterClients>;

function among<Item>(list: readonly Item[]): Item {
  return list[Math.floor(random() * list.length)] as Item;
}

async function startServers(servers: ReturnType<typeof createServers>) {
  const kinds = ['write', 'write', 'write', 'projector', 'read'] as const;
  const started = await Promise.all(kinds.map((kind) => servers.start(kind)));
  const [projector, read] = started.slice(3) as [ServerProcess, ServerProcess];
  return { writers: started.slice(0, 3), projector, read };
}

async function openTen({ handIn }: Office): Promise<readonly string[]> {
  const opening = Array.from({ length: 10 }, (_, n) => handIn(openCommand(`${mark} ${n}`)));
  return (await Promise.all(opening)).map(({ receipts }) => receipts[0]?.aggregateId ?? '');
}

/** Deposits, withdrawals of what may not be there, names that others want, revisions that are old. */
async function work({ handIn }: Office, portfolios: readonly string[]): Promise<void> {
  const revisions = new Map<string, bigint>();
  for (let done = 0; done < commandsEach; done += 1) {
    const kind = random();
    const portfolioId = among(portfolios);
    const amount = 1 + Math.floor(random() * 100);
    if (kind < 0.05) {
      await handIn(nameCommand(`${mark} ${Math.floor(random() * 6)}`));
      continue;
    }
    const expected = kind < 0.15 ? revisions.get(portfolioId) : undefined;
    const command = cashCommand(portfolioId, kind < 0.5 ? amount : -amount, expected);
    const { receipts } = await handIn(command);
    for (const { revision } of receipts) revisions.set(portfolioId, revision);
  }
}

/** When a third of the work is done. It comes back where it was, while the others go on. */
async function killInTheMiddle(office: Office, server: ServerProcess, desk: Desk): Promise<void> {
  const aThird = (clients * commandsEach) / 3;
  await eventually(async () => {
    if (office.all.size < aThird && !office.hasFailed()) throw new Error('too early');
  }, 120_000);
  desk.killed = true;
  await server.stop('SIGKILL');
  await server.again();
}

function checkNames(all: readonly Said[]): void {
  const wanted = Map.groupBy(all, ({ sent }) => sent.name);
  for (const [name, said] of wanted) {
    if (name === undefined) continue;
    const got = said.filter(({ receipts }) => receipts.length > 0).length;
    expect({ name, got }).toEqual({ name, got: 1 });
  }
}

/** What queries answer is the sum of what was accepted. */
async function checkCash(
  read: ServerProcess,
  portfolios: readonly string[],
  all: readonly Said[],
  token: string,
): Promise<void> {
  const cash = new Map(portfolios.map((id) => [id, 0]));
  for (const { sent, receipts } of all) {
    const before = cash.get(sent.portfolioId);
    if (before === undefined || receipts.length === 0) continue;
    cash.set(sent.portfolioId, before + sent.amount);
  }
  const queries = read.client(TradingQueryService);
  const consistency = { atLeastAsFreshAs: token, patience: { seconds: 30n } };
  const answered = new Map<string, number>();
  for (const portfolioId of portfolios) {
    const { portfolio } = await queries.getPortfolio({ portfolioId, consistency });
    answered.set(portfolioId, Number(portfolio?.cash));
  }
  expect(answered).toEqual(cash);
}

test('64 clients of three write servers: each command takes effect once or is refused', async () => {
  const environment = {
    EVENTSTORE_URL: process.env.EVENTSTORE_URL,
    ELASTICSEARCH_URL: process.env.ELASTICSEARCH_URL,
    ELASTICSEARCH_INDEX_PREFIX: prefix,
    LOG_LEVEL: 'warn',
  };
  await using servers = createServers(folder, environment, 120_000);
  const { writers, projector, read } = await startServers(servers);
  const desks = writers.map(deskOf);
  const office = createClusterClients(desks, random);
  const portfolios = await openTen(office);
  const startedAt = performance.now();
  const all = Promise.all(Array.from({ length: clients }, () => work(office, portfolios)));
  const [victim, desk] = [writers[1], desks[1]];
  if (victim === undefined || desk === undefined) throw new Error('there are three');
  // A server that is about to start has to have started before it can be stopped.
  for (const end of await Promise.allSettled([all, killInTheMiddle(office, victim, desk)])) {
    if (end.status === 'rejected') throw end.reason;
  }
  const seconds = (performance.now() - startedAt) / 1_000;

  // Long after, each server gives the first answer, also to what it has never seen.
  const said = [...office.all.values()];
  for (const each of desks) {
    const accepted = said.filter(({ receipts }) => receipts.length > 0).slice(0, 100);
    await Promise.all(accepted.map((one) => office.repeat(one, each)));
  }

  expect(said.filter((one) => one.receipts.length + one.refusals.length === 0)).toEqual([]);
  checkReceipts(said);
  checkNames(said);
  const streams = said.flatMap(({ receipts }) => receipts.slice(0, 1).map(({ stream }) => stream));
  const store = process.env.EVENTSTORE_URL ?? '';
  const { events, token } = await checkStreams(store, [...new Set(streams)], office.all);
  await checkCash(read, portfolios, said, token);
  const documents = await checkViews(projector);

  const refusals = Map.groupBy(
    said.flatMap((one) => one.refusals),
    (code) => code,
  );
  const told = [...refusals].map(([code, { length }]) => `${length} ${code}`);
  const again = [...office.again].map(([code, times]) => `${times} ${code}`);
  console.info(
    `${said.length} commands of ${clients} clients in ${seconds.toFixed(1)} s: ${events} events; ` +
      `refused: ${told.join(', ')}; sent again: ${again.join(', ')}; ${documents} documents verified`,
  );
  expect([...refusals.keys()]).toContain('FailedPrecondition INSUFFICIENT_CASH');
  expect([...refusals.keys()]).toContain('Aborted REVISION_MISMATCH');
  expect(office.again.has('no answer')).toBe(true);
});
