import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  CommandLogService,
  CommandOutcome,
  type ListCommandsQuerySchema,
} from '../../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import type { RecordedEvent } from '../../../src/kernel/event.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { platformRead } from '../../../src/platform/read.ts';
import { commandLog } from '../../../src/platform/views/command-log.ts';
import { processes } from '../../../src/platform/views/processes.ts';
import { platformViews } from '../../../src/platform/views.ts';
import {
  alice,
  answered,
  callOf,
  operator,
  refused,
  startQueryBus,
  uuid,
} from '../../support/query-bus.ts';
import { at, createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = CommandLogService;
const createType = 'cipherhorizon.trading.v1.CreateTradingStrategyCommand';
const updateType = 'cipherhorizon.trading.v1.UpdateTradingStrategyCommand';
let commit = 0;

function event(more: Partial<RecordedEvent>): RecordedEvent {
  commit += 1;
  return {
    id: uuid(10_000 + commit),
    type: 'cipherhorizon.trading.v1.StrategyCreated',
    data: {},
    metadata: {},
    stream: `strategy-${uuid(7)}`,
    revision: 0,
    position: at(commit),
    storedAt: commit * 1000,
    ...more,
  };
}

/** The first event of a command. */
function firstEvent(commandId: string, more: JsonObject = {}, of: Partial<RecordedEvent> = {}) {
  const metadata = {
    $correlationId: 'order 66',
    $causationId: commandId,
    receivedAt: '2026-01-02T03:04:05.678Z',
    actor: 'alice',
    roles: ['user'],
    commandType: createType,
    command: { userId: 'alice', strategyName: 'Momentum' },
    eventCount: 2,
    ...more,
  };
  return event({ metadata, ...of });
}

function refusal(commandId: string, more: JsonObject = {}): RecordedEvent {
  const data = {
    commandId,
    commandType: updateType,
    actor: 'bob',
    roles: ['user'],
    receivedAt: '2026-01-02T03:04:06Z',
    correlationId: 'order 67',
    stream: `strategy-${uuid(7)}`,
    code: 'STRATEGY_NOT_FOUND',
    message: 'there is no such strategy',
    command: { strategyId: uuid(7) },
    ...more,
  };
  const type = 'cipherhorizon.platform.v1.CommandRefused';
  return event({ type, data, stream: 'refusals-all' });
}

/** The documents after the events, as the projection runner folds them. */
function project(...events: readonly RecordedEvent[]): Map<string, JsonObject> {
  const documents = new Map<string, JsonObject>();
  for (const recorded of events) {
    const seen = { message: undefined, recorded };
    for (const id of commandLog.ids(seen)) {
      const next = commandLog.project(documents.get(id), seen, id);
      if (next !== undefined) documents.set(id, next);
    }
  }
  return documents;
}

function start(...events: readonly RecordedEvent[]) {
  const readModels = createReadModelsInMemory();
  for (const [id, document] of project(...events)) readModels.apply(commandLog, 1, id, document);
  const bus = startQueryBus({ contexts: [platformRead], readModels });
  const call = callOf(operator);
  const list = async (query: MessageInitShape<typeof ListCommandsQuerySchema>) =>
    answered(await bus.ask(method.listCommands, query, call));
  const get = (commandId: string) => bus.ask(method.getCommand, { commandId }, call);
  const ids = async (query: MessageInitShape<typeof ListCommandsQuerySchema>) =>
    (await list(query)).commands.map(({ commandId }) => commandId);
  return { ...bus, list, get, ids };
}

describe('the view', () => {
  test('is registered, and wants every event', () => {
    expect(platformViews.map(({ name }) => name)).toEqual([commandLog.name, processes.name]);
    expect(commandLog.events).toBe('every');
  });

  test('has an accepted command by what its first event says of it', () => {
    const first = firstEvent(uuid(1), { causedBy: 'a timer' }, { revision: 4 });
    expect([...project(first)]).toEqual([
      [
        first.id,
        {
          commandId: uuid(1),
          type: createType,
          actor: 'alice',
          roles: ['user'],
          outcome: 'ACCEPTED',
          stream: `strategy-${uuid(7)}`,
          receivedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
          correlationId: 'order 66',
          payload: { userId: 'alice', strategyName: 'Momentum' },
          firstRevision: 4,
          eventCount: 2,
          causedBy: 'a timer',
        },
      ],
    ]);
  });

  test('has fields for all that it writes', () => {
    const written = project(firstEvent(uuid(1), { causedBy: 'x' }), refusal(uuid(2)));
    for (const document of written.values()) {
      for (const field of Object.keys(document)) expect(commandLog.schema).toHaveProperty(field);
    }
  });

  test('does not look at the later events of a command, nor at those of reservations', () => {
    const { commandType: _, ...later } = firstEvent(uuid(1)).metadata;
    const taken = { type: 'cipherhorizon.platform.v1.ReservationTaken', stream: 'names-x' };
    expect(project(event({ metadata: later }), event({ ...taken, metadata: later })).size).toBe(0);
  });

  test('has a refused command with its reason, and without the payload where that is too large', () => {
    const first = refusal(uuid(2));
    expect(project(first).get(first.id)).toEqual({
      commandId: uuid(2),
      type: updateType,
      actor: 'bob',
      roles: ['user'],
      outcome: 'REFUSED',
      stream: `strategy-${uuid(7)}`,
      receivedAt: Date.UTC(2026, 0, 2, 3, 4, 6),
      correlationId: 'order 67',
      payload: { strategyId: uuid(7) },
      code: 'STRATEGY_NOT_FOUND',
      message: 'there is no such strategy',
    });
    const { command: _, ...data } = first.data;
    const large = { ...first, data };
    expect(project(large).get(first.id)).not.toHaveProperty('payload');
  });

  test('keeps every refusal and every stream of an id apart', () => {
    const events = [
      refusal(uuid(1)),
      firstEvent(uuid(1)),
      refusal(uuid(1)),
      firstEvent(uuid(1), {}, { stream: 'portfolio-1' }),
    ];
    const outcomes = [...project(...events).values()].map(({ outcome, stream }) => [
      outcome,
      stream,
    ]);
    const stream = `strategy-${uuid(7)}`;
    expect(outcomes).toEqual([
      ['REFUSED', stream],
      ['ACCEPTED', stream],
      ['REFUSED', stream],
      ['ACCEPTED', 'portfolio-1'],
    ]);
  });

  test('a refusal may outlive the log, which keeps the newest of them; nothing else may', () => {
    const [accepted, refused] = [firstEvent(uuid(1)), refusal(uuid(2))].map((recorded) => [
      ...project(recorded).values(),
    ]);
    expect(commandLog.mayOutliveLog?.(accepted?.[0] ?? {})).toBe(false);
    expect(commandLog.mayOutliveLog?.(refused?.[0] ?? {})).toBe(true);
  });

  test('keeps a refusal whose command id is none under an id of its own', () => {
    const odd = refusal('x'.repeat(9_000), { correlationId: 'y'.repeat(9_000) });
    const documents = project(odd, refusal(''));
    expect(documents.size).toBe(2);
    expect(documents.get(odd.id)).toMatchObject({ actor: 'bob', correlationId: 'y'.repeat(100) });
  });
});

describe('the service', () => {
  test('is for operators', async () => {
    const { ask } = start();
    const outcome = await ask(method.listCommands, {}, callOf(alice));
    expect(refused(outcome).code).toBe('ROLE_MISSING');
  });

  test('gets what was accepted under an id before what was refused, and all of it', async () => {
    const { get } = start(firstEvent(uuid(1)), refusal(uuid(1)), refusal(uuid(2)));
    const answer = answered(await get(uuid(1)));
    expect(answer.command).toMatchObject({ outcome: CommandOutcome.ACCEPTED });
    expect(answer.attempts.map(({ outcome }) => outcome)).toEqual([
      CommandOutcome.REFUSED,
      CommandOutcome.ACCEPTED,
    ]);
  });

  test('gets a command by its id', async () => {
    const { get } = start(firstEvent(uuid(1)), refusal(uuid(2)));
    expect(answered(await get(uuid(1).toUpperCase())).command).toMatchObject({
      commandId: uuid(1),
      type: createType,
      outcome: CommandOutcome.ACCEPTED,
      receivedAt: timestampFromDate(new Date('2026-01-02T03:04:05.678Z')),
      payload: { userId: 'alice', strategyName: 'Momentum' },
      firstRevision: 0n,
      eventCount: 2,
    });
    expect(answered(await get(uuid(2))).command).toMatchObject({
      outcome: CommandOutcome.REFUSED,
      code: 'STRATEGY_NOT_FOUND',
      message: 'there is no such strategy',
    });
    expect(refused(await get(uuid(3)))).toMatchObject({
      kind: 'NOT_FOUND',
      code: 'COMMAND_NOT_FOUND',
      message: `there is no command '${uuid(3)}'`,
    });
  });

  test('lists by actor, type, aggregate, outcome and time', async () => {
    const receivedAt = '2026-01-02T03:04:06.500Z';
    const { ids } = start(
      firstEvent(uuid(1)),
      refusal(uuid(2)),
      firstEvent(uuid(3), { actor: 'bob', receivedAt }, { stream: 'portfolio-1' }),
    );
    expect(await ids({})).toEqual([uuid(3), uuid(2), uuid(1)]);
    expect(await ids({ actor: 'bob' })).toEqual([uuid(3), uuid(2)]);
    expect(await ids({ type: createType })).toEqual([uuid(3), uuid(1)]);
    expect(await ids({ stream: 'portfolio-1' })).toEqual([uuid(3)]);
    expect(await ids({ outcome: CommandOutcome.REFUSED })).toEqual([uuid(2)]);
    expect(await ids({ outcome: CommandOutcome.ACCEPTED, actor: 'bob' })).toEqual([uuid(3)]);
    const second = timestampFromDate(new Date('2026-01-02T03:04:06Z'));
    expect(await ids({ receivedFrom: second })).toEqual([uuid(3), uuid(2)]);
    expect(await ids({ receivedUntil: second })).toEqual([uuid(1)]);
    const third = timestampFromDate(new Date(receivedAt));
    expect(await ids({ receivedFrom: second, receivedUntil: third })).toEqual([uuid(2)]);
  });

  test('lists in pages', async () => {
    const { list } = start(firstEvent(uuid(1)), refusal(uuid(2)));
    const first = await list({ page: { pageSize: 1 } });
    const second = await list({ page: { pageSize: 1, cursor: first.page?.nextCursor ?? '' } });
    expect([...first.commands, ...second.commands].map(({ commandId }) => commandId)).toEqual([
      uuid(2),
      uuid(1),
    ]);
    expect(second.page?.nextCursor).toBe('');
  });
});
