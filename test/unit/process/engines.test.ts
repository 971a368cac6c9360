import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { createSendCommand } from '../../../cmd/process-commands.ts';
import { processWrite } from '../../../cmd/processes.ts';
import {
  createEventStoreDb,
  createEventStoreDbSource,
} from '../../../src/engines/eventstoredb/store.ts';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import { CancelProcessCommandSchema } from '../../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  UpdatePortfolioCommandSchema,
  WithdrawCashCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CashDepositedSchema,
  CashWithdrawnSchema,
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { CostBasisMethod } from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { RecordedEvent } from '../../../src/kernel/event.ts';
import { processEventSchemas } from '../../../src/process/events.ts';
import {
  definePolicy,
  defineProcess,
  opensBy,
  type PolicyDefinition,
  type ProcessDefinition,
  reactsTo,
  startedBy,
} from '../../../src/process/kit.ts';
import type { ProcessSource } from '../../../src/process/ports.ts';
import { startPolicies, startProcesses } from '../../../src/process/run.ts';
import { tradingWrite } from '../../../src/trading/write.ts';
import type { EventStore } from '../../../src/write/event-store.ts';
import { eventually } from '../../support/clients.ts';
import { accepted, alice, operator, quiet, startBus } from '../../support/command-bus.ts';
import { eventStoreServer } from '../../support/event-store-server.ts';
import { temporaryFolder } from '../../support/temporary.ts';

// Processes and policies as a write server runs them: in real time, to the real command bus, over
// each of the engines.

const server = eventStoreServer();
const folder = temporaryFolder();

type Log = { readonly store: EventStore; readonly source: ProcessSource };
type Engine = readonly [name: string, open: () => Log & AsyncDisposable];

const engines: readonly Engine[] = [
  [
    'the embedded log',
    () => {
      const log = createSqliteEventLog({ path: join(folder, `${randomUUID()}.db`) });
      return { store: log, source: log, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() };
    },
  ],
  [
    "EventStoreDB's protocol",
    () => {
      const connectionString = `esdb://127.0.0.1:${server.port()}?tls=false`;
      const store = createEventStoreDb({ connectionString });
      const source = createEventStoreDbSource({ connectionString });
      const close = async () => {
        await source[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      };
      return { store, source, [Symbol.asyncDispose]: close };
    },
  ],
];

/** A gift for who opens a portfolio; the second half of it is refused to those named "poor". */
const gift: ProcessDefinition = defineProcess<{ portfolioId: string; isPoor: boolean }>({
  name: 'gift',
  version: 1,
  starts: [
    startedBy({
      event: PortfolioOpenedSchema,
      data: ({ portfolioId, portfolioName }) => ({
        ...{ portfolioId, isPoor: portfolioName.startsWith('poor') },
      }),
    }),
  ],
  timeLimitMs: 60_000,
  steps: ['first half', 'second half'].map((name, index) => ({
    name,
    timeLimitMs: 20_000,
    command: {
      schema: DepositCashCommandSchema,
      build: ({ data: { portfolioId, isPoor } }) =>
        create(DepositCashCommandSchema, {
          portfolioId: isPoor && index === 1 ? randomlyAbsent : portfolioId,
          amount: '50',
          note: name,
        }),
    },
    compensation: {
      schema: WithdrawCashCommandSchema,
      build: ({ data: { portfolioId } }) =>
        create(WithdrawCashCommandSchema, { portfolioId, amount: '50', note: name }),
    },
  })),
});

const randomlyAbsent = '00000000-0000-4000-8000-000000000000';

/** Who is told of an update gets a coin: every portfolio of the same user does. */
const coins: PolicyDefinition = definePolicy<Record<string, never>>({
  name: 'coins',
  opens: [
    opensBy({
      event: PortfolioOpenedSchema,
      interest: ({ portfolioId, userId }) => ({ target: portfolioId, key: userId, data: {} }),
    }),
  ],
  closes: [],
  on: [
    reactsTo({
      event: PortfolioUpdatedSchema,
      key: ({ userId }) => userId,
      command: ({ target: portfolioId }, { portfolioName: note }) => ({
        schema: DepositCashCommandSchema,
        build: () => create(DepositCashCommandSchema, { portfolioId, amount: '1', note }),
      }),
    }),
  ],
});

async function start({ store, source }: Log) {
  const stop = new AbortController();
  const bus = startBus(store, { contexts: [tradingWrite, processWrite] });
  const options = {
    ...{ store, source, now: Date.now, log: quiet, observe: () => {}, signal: stop.signal },
    execute: createSendCommand(bus),
  };
  const processes = await startProcesses({ ...options, definitions: [gift], name: 'one' });
  const policies = await startPolicies({ ...options, definitions: [coins] });
  return {
    bus,
    gauges: [...processes.gauges, ...policies.gauges],
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([processes.ended, policies.ended]);
      await bus[Symbol.asyncDispose]();
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

const user = { subject: alice.subject, roles: ['user'] };

async function openPortfolio({ bus }: Started, kind: string): Promise<string> {
  const portfolioName = `${kind} ${randomUUID()}`;
  const command = {
    ...{ userId: user.subject, portfolioName, baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  };
  return accepted(await bus.send(OpenPortfolioCommandSchema, command, user)).aggregateId;
}

/** What went in and out of a portfolio: "+50 first half". */
async function movements(store: EventStore, portfolioId: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { type, data } of store.read(`portfolio-${portfolioId}`)) {
    const { amount, note } = data as { amount: string; note: string };
    if (type === CashDepositedSchema.typeName) found.push(`+${amount} ${note}`);
    if (type === CashWithdrawnSchema.typeName) found.push(`-${amount} ${note}`);
  }
  return found;
}

async function processOf(source: ProcessSource, portfolioId: string): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = [];
  const filter = { types: processEventSchemas.map(({ typeName }) => typeName) };
  for await (const { events } of source.readAll({ after: { commit: -1n, prepare: -1n }, filter })) {
    all.push(...events);
  }
  const started = all.find(
    ({ data }) => (data.data as { portfolioId?: string })?.portfolioId === portfolioId,
  );
  return all.filter(({ stream }) => stream === started?.stream);
}

const last = (events: readonly RecordedEvent[]) => events.at(-1)?.type.split('.').at(-1);

describe.each(engines)('over %s', (_name, open) => {
  const log = open;

  test('a process goes to its end, or back to where it began', async () => {
    await using engine = log();
    await using started = await start(engine);
    const rich = await openPortfolio(started, 'rich');
    const poor = await openPortfolio(started, 'poor');
    await eventually(async () => {
      expect(last(await processOf(engine.source, rich))).toBe('ProcessCompleted');
      expect(last(await processOf(engine.source, poor))).toBe('ProcessCompensated');
    });
    expect(await movements(engine.store, rich)).toEqual(['+50 first half', '+50 second half']);
    expect(await movements(engine.store, poor)).toEqual(['+50 first half', '-50 first half']);
    const [first] = await processOf(engine.source, rich);
    const processId = String(first?.data.processId);
    const late = await started.bus.send(CancelProcessCommandSchema, { processId }, operator);
    expect(late).toMatchObject({ code: 'PROCESS_COMPLETED' });
  }, 60_000);

  test('what a server has left undone is done by the next one, once', async () => {
    await using engine = log();
    const ids: string[] = [];
    {
      await using before = await start(engine);
      for (let count = 0; count < 10; count += 1) ids.push(await openPortfolio(before, 'rich'));
    }
    await using _after = await start(engine);
    await eventually(async () => {
      for (const id of ids) {
        expect(last(await processOf(engine.source, id))).toBe('ProcessCompleted');
        expect(await movements(engine.store, id)).toHaveLength(2);
      }
    });
  }, 60_000);

  test('a policy brings the events to all that are interested, also after a restart', async () => {
    await using engine = log();
    const news: string[] = [];
    const tell = async (started: Started, portfolioId: string) => {
      const portfolioName = `news ${news.length} ${randomUUID()}`;
      news.push(portfolioName);
      const command = { portfolioId, portfolioName };
      accepted(await started.bus.send(UpdatePortfolioCommandSchema, command, user));
    };
    const coinsOf = async (id: string) =>
      (await movements(engine.store, id)).filter((one) => one.startsWith('+1 '));
    const ids: string[] = [];
    {
      await using before = await start(engine);
      for (let count = 0; count < 3; count += 1) ids.push(await openPortfolio(before, 'rich'));
      for (const id of ids) await tell(before, id);
    }
    await using after = await start(engine);
    await tell(after, ids[0] ?? '');
    await eventually(async () => {
      for (const id of ids) {
        const got = await coinsOf(id);
        expect(got).toEqual(news.map((note) => `+1 ${note}`));
      }
    });
    expect(after.gauges.map(({ name }) => name)).toContain('cqrs_policy_interests');
  }, 60_000);
});
