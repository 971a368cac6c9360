import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import type { Call } from '../../src/kernel/rpc.ts';
import { createValidation } from '../../src/kernel/validation.ts';
import { tradingWrite } from '../../src/trading/write.ts';
import { createCommandBus } from '../../src/write/command-bus.ts';
import type { Benchmark } from '../benchmark.ts';
import { openBareSqlite } from '../support/bare-sqlite.ts';
import { compare, ratePerSecond } from '../support/rounds.ts';
import { perSecond } from '../support/statistics.ts';
import { atLeast } from '../table.ts';

const rounds = 9;
const roundMs = 400;
const floorRows = 1_500;
const callers = 64;

const call: Call = {
  principal: { subject: 'bench', roles: ['user'] },
  signal: new AbortController().signal,
  header: () => undefined,
};
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export const inProcessCommands: Benchmark = {
  title: 'Commands in process; floor: bare SQLite, one row per transaction',
  name: 'deposits',
  run: async ({ folder }) => {
    const own = join(folder, 'in-process');
    mkdirSync(own);
    await using store = createSqliteEventLog({ path: join(own, 'events.db') });
    await using bus = createCommandBus({
      contexts: [tradingWrite],
      store,
      views: { names: [], positionOf: async () => undefined },
      tools: { hashSecret: async () => '' },
      validate: createValidation(),
      metrics: { observe: ignore },
      log: quiet,
      now: Date.now,
      snapshotEvery: 500,
      cachedAggregates: 10_000,
      immediateViews: [],
      refusalsPerSecond: 100,
      refusalsKept: 1_000,
    });
    const send = async (
      schema: typeof OpenPortfolioCommandSchema | typeof DepositCashCommandSchema,
      init: object,
    ) => {
      const route = bus.catalogue.routes.get(schema.typeName);
      if (route === undefined) throw new Error(`no route for ${schema.typeName}`);
      const outcome = await bus.execute(route, create(schema, init), call);
      if (isRejection(outcome)) throw new Error(outcome.message);
      return outcome;
    };
    const open = () =>
      send(OpenPortfolioCommandSchema, {
        userId: 'bench',
        portfolioName: 'Bench',
        baseCurrency: 'USD',
        costBasisMethod: 1,
      });
    const ids = (await Promise.all(Array.from({ length: callers }, open))).map(
      ({ aggregateId }) => aggregateId,
    );
    const deposit = (portfolioId: string | undefined) =>
      send(DepositCashCommandSchema, { portfolioId: portfolioId ?? '', amount: '1.5' });
    await deposit(ids[0]);
    const [dataBytes, metadataBytes] = await bytesOf(store, `portfolio-${ids[0]}`);
    using bare = openBareSqlite(join(own, 'bare.db'), dataBytes, metadataBytes);
    const floorOf = () => bare.rate(floorRows, 1);
    const row = async (
      name: string,
      least: number | undefined,
      count: number,
      pick: (caller: number) => string | undefined,
    ) => {
      const step = (caller: number) => deposit(pick(caller));
      const { subject, floor, ratio } = await compare(
        rounds,
        () => ratePerSecond(roundMs, count, step),
        floorOf,
      );
      const targets = least === undefined ? [] : [atLeast(ratio, least, `${least}`)];
      return { name, measured: perSecond(subject), floor: perSecond(floor), ratio, targets };
    };
    const anyOne = () => ids[Math.floor(Math.random() * ids.length)];
    return [
      await row(`${callers} callers, at random on ${callers} portfolios`, 2, callers, anyOne),
      await row(`${callers} callers, each on its own`, undefined, callers, (i) => ids[i]),
      await row('one alone', 0.7, 1, () => ids[0]),
    ];
  },
};

/** Of data and metadata of the last event of a stream, as JSON. */
async function bytesOf(
  store: ReturnType<typeof createSqliteEventLog>,
  stream: string,
): Promise<readonly [number, number]> {
  for await (const { data, metadata } of store.read(stream, { direction: 'backwards', limit: 1 })) {
    return [JSON.stringify(data).length, JSON.stringify(metadata).length];
  }
  throw new Error(`${stream} is empty`);
}

function ignore(): void {}
