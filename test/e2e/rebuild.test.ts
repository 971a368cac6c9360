import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, jest, test } from '@jest/globals';
import Database from 'better-sqlite3';
import {
  ProjectionService,
  ProjectionState,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  Indicator,
  RuleAction,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type Strategy,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isAfter, type Position, start } from '../../src/kernel/position.ts';
import { fromToken } from '../../src/kernel/token.ts';
import { eventually } from '../support/clients.ts';
import { runHorizon } from '../support/horizon-cli.ts';
import { createServers, type ServerProcess } from '../support/server-processes.ts';
import { writeStrategies } from '../support/strategy-log.ts';
import { temporaryFolder } from '../support/temporary.ts';

// A view with thousands of documents is rebuilt over processes, while it is written to and read.

jest.setTimeout(240_000);

const folder = temporaryFolder();
const view = 'trading_strategies';
const userId = 'racer';
const racers = 10;

async function statusOf(projector: ServerProcess) {
  const { projections } = await projector.client(ProjectionService).listProjections({});
  const own = projections.find((one) => one.view === view);
  if (own === undefined) throw new Error('no status');
  return own;
}

async function untilLive(projector: ServerProcess, generation: number): Promise<void> {
  await eventually(async () => {
    const status = await statusOf(projector);
    if (status.state !== ProjectionState.LIVE || status.generation !== generation) {
      throw new Error(`state ${status.state}, generation ${status.generation}`);
    }
  });
}

async function verified(projector: ServerProcess) {
  for await (const step of projector.client(ProjectionService).verifyProjection({ view })) {
    if (step.done) return step;
  }
  throw new Error('it ended before it was complete');
}

/** Follows a rebuild to its end; the generation that is live then. */
async function rebuilt(projector: ServerProcess): Promise<number | undefined> {
  let generation: number | undefined;
  for await (const { progress } of projector
    .client(ProjectionService)
    .rebuildProjection({ view })) {
    if (progress?.switched === true) generation = progress.generation;
  }
  return generation;
}

/** Strategies that are updated all the time: the revision of each counts its updates. */
async function startWriters(write: ServerProcess, name = 'Racer') {
  const commands = write.client(TradingCommandService);
  const rules = [
    {
      indicator: { indicator: Indicator.RSI, window: 14 },
      comparator: Comparator.BELOW,
      against: { case: 'threshold' as const, value: '30' },
      action: RuleAction.ENTER_LONG,
    },
  ];
  const state = { goesOn: true, updates: 0, token: '' };
  const created = await Promise.all(
    Array.from({ length: racers }, (_, i) =>
      commands.createTradingStrategy({ userId, strategyName: `${name} number ${i}`, rules }),
    ),
  );
  const ids = created.map(({ aggregateId }) => aggregateId);
  const working = ids.map(async (strategyId) => {
    for (let i = 0; state.goesOn; i += 1) {
      const riskProfile = { stopLoss: `0.${(i % 89) + 10}` };
      const receipt = await commands.updateTradingStrategy({ strategyId, riskProfile });
      state.token = receipt.consistencyToken;
      state.updates += 1;
      await pause(5);
    }
  });
  return {
    ids,
    token: created.at(-1)?.consistencyToken ?? '',
    updates: () => state.updates,
    lastToken: () => state.token,
    stop: async () => {
      state.goesOn = false;
      await Promise.all(working);
    },
  };
}

/** Asks all the time; no answer may fail, lack one of them, or be older than one before it. */
function startReaders(read: ServerProcess, ids: readonly string[]) {
  const queries = read.client(TradingQueryService);
  const state = { goesOn: true, answers: 0 };
  let newest: Position = start;
  const revisions = new Map<string, bigint>();

  const reading = async (
    ask: () => Promise<{ token: string; strategies: readonly (Strategy | undefined)[] }>,
    count: number,
  ) => {
    while (state.goesOn) {
      const before = { newest, revisions: new Map(revisions) };
      const { token, strategies } = await ask();
      const position = fromToken(token) ?? start;
      expect(isAfter(before.newest, position)).toBe(false);
      if (isAfter(position, newest)) newest = position;
      expect(strategies).toHaveLength(count);
      for (const strategy of strategies) {
        const { strategyId = '', revision = -1n } = strategy ?? {};
        expect(revision).toBeGreaterThanOrEqual(before.revisions.get(strategyId) ?? 0n);
        if (revision > (revisions.get(strategyId) ?? 0n)) revisions.set(strategyId, revision);
      }
      state.answers += 1;
    }
  };
  const [strategyId = ''] = ids;
  const readers = [
    reading(async () => {
      const { freshness, strategy } = await queries.getStrategy({ strategyId });
      return { token: freshness?.token ?? '', strategies: [strategy] };
    }, 1),
    reading(async () => {
      const { freshness, strategies } = await queries.listStrategies({ userId });
      return { token: freshness?.token ?? '', strategies };
    }, racers),
    reading(async () => {
      const { freshness, hits } = await queries.searchStrategies({ userId, text: 'racer' });
      return { token: freshness?.token ?? '', strategies: hits.map((hit) => hit.strategy) };
    }, racers),
  ];
  return {
    answers: () => state.answers,
    stop: async () => {
      state.goesOn = false;
      await Promise.all(readers);
    },
  };
}

test('during rebuilds under load no query fails or goes back in time', async () => {
  await writeStrategies(folder, { strategies: 4_000, updates: 9 });
  await using servers = createServers(folder);
  const write = await servers.start('write');
  const read = await servers.start('read');
  const one = await servers.start('projector');
  await untilLive(one, 1);
  const writers = await startWriters(write);
  const queries = read.client(TradingQueryService);
  const consistency = { atLeastAsFreshAs: writers.token, patience: { seconds: 20n } };
  await queries.listStrategies({ userId, consistency });
  const readers = startReaders(read, writers.ids);

  for (const generation of [2, 3]) {
    const before = { answers: readers.answers(), updates: writers.updates() };
    expect(await rebuilt(one)).toBe(generation);
    const answers = readers.answers() - before.answers;
    const updates = writers.updates() - before.updates;
    console.info(`rebuild to generation ${generation}: ${answers} answers, ${updates} updates`);
    expect(answers).toBeGreaterThan(20);
    expect(updates).toBeGreaterThan(20);
  }
  // Back to the one before, and there again.
  await one.client(ProjectionService).rollbackProjection({ view });
  await untilLive(one, 2);

  // Killed on the way: the other goes on with it, and still nothing fails.
  const two = await servers.start('projector');
  const broken = rebuilt(one).catch(() => 'broken');
  await eventually(async () => {
    const { rebuild } = await statusOf(one);
    expect(rebuild).toMatchObject({ generation: 4, switched: false });
    expect(rebuild?.eventsDone).toBeGreaterThan(0n);
  });
  await one.stop('SIGKILL');
  expect(await broken).toBe('broken');
  await untilLive(two, 4);
  await writers.stop();
  await readers.stop();
  expect(await verified(two)).toMatchObject({ differences: 0n });
  expect((await statusOf(two)).documents).toBe(BigInt(4_000 + racers));
});

test('a document and an index that are edited by hand are found by verify, and mended', async () => {
  await using servers = createServers(folder);
  const projector = await servers.start('projector');
  await untilLive(projector, 4);
  const file = new Database(join(folder, 'views.db'));
  const table = `view_${view}_4`;
  const [first, second] = file
    .prepare(`SELECT id FROM ${table} ORDER BY id LIMIT 2`)
    .pluck()
    .all() as [string, string];
  file
    .prepare(`UPDATE ${table} SET document = json_set(document, '$.status', 'ACTIVE') WHERE id = ?`)
    .run(first);
  // The first column is the first field that is filtered by: its owner.
  file.prepare(`UPDATE ${table} SET f0 = 'mallory' WHERE id = ?`).run(second);
  file.close();

  const env = { ...process.env, HORIZON_PROJECTOR_URL: projector.url };
  const { exit, stdout } = await runHorizon(['projection', 'verify', view], env);
  expect(exit).toBe(1);
  expect(stdout).toContain(' 2 differ');
  expect(stdout).toContain(`  ${first}: changed\n    status: is "ACTIVE", replayed "DRAFT"`);
  expect(stdout).toContain(
    `  ${second}: changed\n    userId (index): is "mallory", replayed "alice"`,
  );

  const projections = projector.client(ProjectionService);
  for (const id of [first, second]) {
    for await (const _ of projections.rebuildProjection({ view, stream: `strategy-${id}` }));
  }
  expect(await verified(projector)).toMatchObject({ differences: 0n });
});

test('a view that is newer than its log says so, answers, and is mended by a rebuild', async () => {
  const older = join(folder, 'older.db');
  let lostToken = '';
  {
    await using servers = createServers(folder);
    const write = await servers.start('write');
    const projector = await servers.start('projector');
    const log = new Database(join(folder, 'events.db'), { readonly: true });
    log.prepare('VACUUM INTO ?').run(older);
    log.close();
    const writers = await startWriters(write, 'Late racer');
    await eventually(async () => {
      if (writers.updates() < 50) throw new Error('too few');
    });
    await writers.stop();
    lostToken = writers.lastToken();
    await eventually(async () => {
      if ((await statusOf(projector)).lagEvents > 0n) throw new Error('it lags');
    });
    await write.stop('SIGTERM');
    await projector.stop('SIGTERM');
  }
  for (const rest of ['', '-wal', '-shm'])
    rmSync(join(folder, `events.db${rest}`), { force: true });
  copyFileSync(older, join(folder, 'events.db'));

  await using servers = createServers(folder);
  const read = await servers.start('read');
  const projector = await servers.start('projector');
  await eventually(async () => {
    expect((await statusOf(projector)).state).toBe(ProjectionState.FAILED);
  });
  const queries = read.client(TradingQueryService);
  const listed = async () => (await queries.listStrategies({ userId })).strategies.length;
  expect(await listed()).toBe(2 * racers);
  const env = { ...process.env, HORIZON_PROJECTOR_URL: projector.url };
  const { stdout } = await runHorizon(['projection', 'status'], env);
  expect(stdout.replace(/\s+/g, ' ')).toContain('ahead of the log: it has events');
  expect((await projector.ready()).status).toBe(200);

  expect(await rebuilt(projector)).toBe(5);
  await untilLive(projector, 5);
  expect(await listed()).toBe(racers);
  expect(await verified(projector)).toMatchObject({ differences: 0n });
  const consistency = { atLeastAsFreshAs: lostToken, patience: { seconds: 3n } };
  const late = await queries.listStrategies({ userId, consistency }).catch(ConnectError.from);
  expect(late).toMatchObject({ code: Code.Unavailable });
  expect((late as ConnectError).rawMessage).toContain('the token lies beyond its end');
});
