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
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { eventually } from '../support/clients.ts';
import { createServers, type ServerProcess } from '../support/server-processes.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Two projectors on the same read models: one works, the other stands by and takes over.

jest.setTimeout(180_000);

const folder = temporaryFolder();
const view = 'trading_portfolios';

async function statusOf(projector: ServerProcess) {
  const { projections, projector: status } = await projector
    .client(ProjectionService)
    .listProjections({});
  const own = projections.find((one) => one.view === view);
  if (own === undefined || status === undefined) throw new Error('no status');
  return { ...own, projector: status };
}

async function untilIn(state: ProjectionState, projector: ServerProcess): Promise<void> {
  await eventually(async () => {
    const status = await statusOf(projector);
    if (status.state !== state) throw new Error(`it is in state ${status.state}`);
  });
}

async function verifyAll(projector: ServerProcess): Promise<void> {
  const projections = projector.client(ProjectionService);
  for (const one of (await projections.listProjections({})).projections) {
    let differences = -1n;
    for await (const step of projections.verifyProjection({ view: one.view })) {
      if (step.done) differences = step.differences;
    }
    expect({ view: one.view, differences }).toEqual({ view: one.view, differences: 0n });
  }
}

async function refusalOf(call: () => AsyncIterable<unknown>): Promise<ConnectError> {
  try {
    for await (const _step of call());
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('it was not refused');
}

/** Deposits one after the other into a few portfolios, until it is told to stop. */
async function startLoad(write: ServerProcess) {
  const commands = write.client(TradingCommandService);
  const opened = await Promise.all(
    ['a', 'b', 'c', 'd'].map((portfolioName) =>
      commands.openPortfolio({
        ...{ userId: 'local', portfolioName, baseCurrency: 'USD' },
        costBasisMethod: CostBasisMethod.FIFO,
      }),
    ),
  );
  const cash = new Map(opened.map(({ aggregateId }) => [aggregateId, 0]));
  const load = { goesOn: true, token: '' };
  const work = async (portfolioId: string) => {
    while (load.goesOn) {
      const { consistencyToken } = await commands.depositCash({ portfolioId, amount: '1' });
      load.token = consistencyToken;
      cash.set(portfolioId, (cash.get(portfolioId) ?? 0) + 1);
      await pause(2);
    }
  };
  const working = [...cash.keys()].map(work);
  return {
    ids: [...cash.keys()],
    stop: async () => {
      load.goesOn = false;
      await Promise.all(working);
      return cash;
    },
  };
}

test('one is killed under load: the other has taken over within 10 s, nothing is doubled', async () => {
  await using servers = createServers(folder);
  const write = await servers.start('write');
  const read = await servers.start('read');
  const one = await servers.start('projector');
  await untilIn(ProjectionState.LIVE, one);
  const two = await servers.start('projector');
  await untilIn(ProjectionState.STANDBY, two);
  const { status, body } = await two.ready();
  expect(status).toBe(200);
  expect(body).toMatchObject({ ready: true, state: 'standby' });
  expect(body.worker).toContain(one.address);
  const { projector } = await statusOf(two);
  expect(projector.worker).toBe((await statusOf(one)).projector.name);

  const refused = await refusalOf(() => two.client(ProjectionService).verifyProjection({ view }));
  expect(refused.code).toBe(Code.FailedPrecondition);
  expect(refused.rawMessage).toContain(one.address);

  const load = await startLoad(write);
  // The other one is to find the generation that this one makes, not the one that it saw.
  for await (const _ of one.client(ProjectionService).rebuildProjection({ view }));
  expect((await statusOf(two)).generation).toBe(2);
  await pause(500);
  await one.stop('SIGKILL');
  const killedAt = Date.now();
  await untilIn(ProjectionState.LIVE, two);
  const takenOverMs = Date.now() - killedAt;
  expect(takenOverMs).toBeLessThan(10_000);
  console.info(`taken over after ${takenOverMs} ms`);

  await one.again().then((again) => untilIn(ProjectionState.STANDBY, again));
  await pause(500);
  const cash = await load.stop();
  const last = await write
    .client(TradingCommandService)
    .depositCash({ portfolioId: load.ids[0] ?? '', amount: '1' });
  cash.set(load.ids[0] ?? '', (cash.get(load.ids[0] ?? '') ?? 0) + 1);
  const consistency = { atLeastAsFreshAs: last.consistencyToken, patience: { seconds: 20n } };
  for (const [portfolioId, amount] of cash) {
    const answer = await read
      .client(TradingQueryService)
      .getPortfolio({ portfolioId, consistency });
    expect(answer.portfolio?.cash).toBe(String(amount));
  }
  expect((await statusOf(two)).generation).toBe(2);
  await verifyAll(two);
});

test('one that stops hands over at once; one that is started again goes on at once', async () => {
  await using servers = createServers(folder);
  const one = await servers.start('projector');
  await untilIn(ProjectionState.LIVE, one);
  // Killed, and started again by its supervisor: the lease is its own.
  await one.stop('SIGKILL');
  const again = await one.again();
  await untilIn(ProjectionState.LIVE, again);
  expect(again.log()).not.toContain('stands by');

  const two = await servers.start('projector');
  await untilIn(ProjectionState.STANDBY, two);
  const { name } = (await statusOf(again)).projector;
  expect(leaseholder()).toBe(name);
  expect(await again.stop('SIGTERM')).toBe(0);
  // It was given back: the other does not wait for its end.
  expect(leaseholder()).not.toBe(name);
  await untilIn(ProjectionState.LIVE, two);
});

function leaseholder(): unknown {
  const file = new Database(join(folder, 'views.db'), { readonly: true });
  const owner = file.prepare('SELECT owner FROM lease').pluck().get();
  file.close();
  return owner;
}
