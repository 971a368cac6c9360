import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  ProcessCancelledSchema,
  ProcessCompletedSchema,
  ProcessFailedSchema,
  ProcessStartedSchema,
  StepStartedSchema,
} from '../../../src/gen/cipherhorizon/platform/v1/process_events_pb.ts';
import {
  type ListProcessesQuerySchema,
  ProcessQueryService,
  ProcessState,
} from '../../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { processRead } from '../../../src/platform/read.ts';
import type { ProcessChange } from '../../../src/platform/views/process-record.ts';
import { processes } from '../../../src/platform/views/processes.ts';
import {
  alice,
  answered,
  callOf,
  operator,
  refused,
  startQueryBus,
  uuid,
} from '../../support/query-bus.ts';
import { createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = ProcessQueryService;

function started(number: number, definition = 'signal'): ProcessChange {
  return create(ProcessStartedSchema, {
    processId: uuid(number),
    ...{ definition, definitionVersion: 1, steps: ['one', 'two'], actor: 'alice' },
    correlationId: `order ${number}`,
    startedAt: timestampFromMs(number * 1000),
  });
}

const completed = (number: number) =>
  create(ProcessCompletedSchema, { processId: uuid(number), completedAt: timestampFromMs(99_000) });
const failed = (number: number, settled: boolean) =>
  create(ProcessFailedSchema, {
    ...{ processId: uuid(number), step: 'one', settled },
    reason: { code: 'CLOSED', message: 'it is closed' },
    failedAt: timestampFromMs(99_000),
  });

function start(...events: readonly ProcessChange[]) {
  const readModels = createReadModelsInMemory();
  const documents = new Map<string, JsonObject>();
  for (const message of events) {
    const event = { message, recorded: undefined as never };
    for (const id of processes.ids(event)) {
      const next = processes.project(documents.get(id), event, id);
      if (next !== undefined) documents.set(id, next);
    }
  }
  for (const [id, document] of documents) readModels.apply(processes, 1, id, document);
  const bus = startQueryBus({ contexts: [processRead], readModels });
  const call = callOf(operator);
  return {
    bus,
    get: (number: number) => bus.ask(method.getProcess, { processId: uuid(number) }, call),
    list: async (query: MessageInitShape<typeof ListProcessesQuerySchema>) => {
      const answer = answered(await bus.ask(method.listProcesses, query, call));
      return {
        numbers: answer.processes.map(({ processId }) => Number(processId.slice(-4))),
        cursor: answer.page?.nextCursor ?? '',
      };
    },
  };
}

describe('the list of processes', () => {
  const all = start(
    ...[1, 2, 3, 4, 5].map((number) => started(number, number === 5 ? 'other' : 'signal')),
    ...[completed(1), failed(2, false), failed(3, true)],
  );

  test.each([
    ['all', {}, [5, 4, 3, 2, 1]],
    ['of a definition', { definition: 'other' }, [5]],
    ['in progress', { states: [ProcessState.IN_PROGRESS] }, [5, 4]],
    ['of two states', { states: [ProcessState.COMPLETED, ProcessState.FAILED] }, [3, 2, 1]],
    ['to look at', { needsOperator: true }, [2]],
    ['part of', { correlationId: 'order 4' }, [4]],
    ['from', { startedFrom: timestampFromMs(4000) }, [5, 4]],
    ['until', { startedUntil: timestampFromMs(2000) }, [1]],
    ['none', { definition: 'unknown' }, []],
  ])('%s', async (_what, query, numbers) => {
    expect((await all.list(query)).numbers).toEqual(numbers);
  });

  test('page after page', async () => {
    const first = await all.list({ page: { pageSize: 3 } });
    const second = await all.list({ page: { pageSize: 3, cursor: first.cursor } });
    expect([first.numbers, second.numbers]).toEqual([
      [5, 4, 3],
      [2, 1],
    ]);
    expect(second.cursor).toBe('');
  });

  test('is for operators', async () => {
    expect(refused(await all.bus.ask(method.listProcesses, {}, callOf(alice))).code).toBe(
      'ROLE_MISSING',
    );
  });
});

test('one that is not there is told so', async () => {
  expect(refused(await start().get(1)).code).toBe('PROCESS_NOT_FOUND');
});

test('a cancelled one says by whom and why; one that ended waits for nothing', async () => {
  const stepped = create(StepStartedSchema, {
    ...{ processId: uuid(1), step: 'one', runner: 'here#1' },
    dueAt: timestampFromMs(50_000),
  });
  const cancelled = create(ProcessCancelledSchema, {
    ...{ processId: uuid(1), cancelledBy: 'olga', note: 'a mistake', givenUpStep: 'one' },
  });
  const { process } = answered(
    await start(started(1), stepped, failed(1, false), cancelled, failed(1, true)).get(1),
  ) as { process?: { steps: { dueAt?: unknown; givenUp: boolean }[]; action?: unknown } };
  expect(process?.steps.map(({ dueAt, givenUp }) => [dueAt, givenUp])).toEqual([
    [undefined, true],
    [undefined, false],
  ]);
  expect(process?.action).toMatchObject({ by: 'olga', note: 'a mistake' });
});
