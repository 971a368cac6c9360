import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import {
  CreateTradingStrategyCommandSchema,
  DeleteTradingStrategyCommandSchema,
  UpdateTradingStrategyCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  Indicator,
  RuleAction,
} from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { RecordedEvent } from '../../../src/kernel/event.ts';
import type { EventStore } from '../../../src/write/event-store.ts';
import { accepted, codeOf, startBus, type TestBus } from '../../support/command-bus.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db') });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

const rule = {
  indicator: { indicator: Indicator.PRICE },
  comparator: Comparator.ABOVE,
  against: { case: 'threshold' as const, value: '30' },
  action: RuleAction.ENTER_LONG,
};
const makeStrategy = (bus: TestBus, strategyName: string, commandId: string = randomUUID()) =>
  bus.send(CreateTradingStrategyCommandSchema, {
    userId: 'alice',
    strategyName,
    rules: [rule],
    metadata: { commandId },
  });
const rename = (bus: TestBus, strategyId: string, strategyName: string) =>
  bus.send(UpdateTradingStrategyCommandSchema, { strategyId, strategyName });

/** The store, in which an append to a strategy's stream has to pass the gate first. */
function gated(gate: () => Promise<void>): EventStore {
  return {
    ...store,
    append: async (stream, expected, events) => {
      if (stream.startsWith('strategy-')) await gate();
      return store.append(stream, expected, events);
    },
  };
}

async function typesOf(stream: string): Promise<string[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.read(stream)) events.push(event);
  return events.map(({ type }) => type.split('.').at(-1) ?? '');
}

const minute = 60_000;

describe('a unique name', () => {
  test('is taken by one of many that want it at once, on two servers', async () => {
    const buses = [startBus(store), startBus(store)] as const;
    const name = `race ${randomUUID()}`;
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => makeStrategy(buses[i % 2 === 0 ? 0 : 1], name)),
    );
    const codes = outcomes.map(codeOf);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === 'STRATEGY_NAME_TAKEN')).toHaveLength(39);
  });

  test('is free again after a change of name, and after a deletion', async () => {
    const bus = startBus(store);
    const [a, b] = [`a ${randomUUID()}`, `b ${randomUUID()}`];
    const first = accepted(await makeStrategy(bus, a));
    expect(codeOf(await makeStrategy(bus, a.toUpperCase()))).toBe('STRATEGY_NAME_TAKEN');
    accepted(await rename(bus, first.aggregateId, b));
    const second = accepted(await makeStrategy(bus, a));
    expect(codeOf(await rename(bus, second.aggregateId, b))).toBe('STRATEGY_NAME_TAKEN');
    accepted(await bus.send(DeleteTradingStrategyCommandSchema, { strategyId: first.aggregateId }));
    accepted(await rename(bus, second.aggregateId, b));
  });

  test('is not held by a command that was refused after taking it', async () => {
    const bus = startBus(store);
    const name = `kept free ${randomUUID()}`;
    const refusedBus = startBus(gated(async () => {}));
    const refused = await refusedBus.send(CreateTradingStrategyCommandSchema, {
      userId: 'alice',
      strategyName: name,
      rules: [],
    });
    expect(codeOf(refused)).toBeDefined();
    accepted(await makeStrategy(bus, name));
  });
});

describe('a claim whose command never came to its end', () => {
  test('keeps others out while its time lasts, and lets them take over after', async () => {
    let now = Date.now();
    const broken = startBus(
      gated(() => Promise.reject(new Error('the server died here'))),
      { now: () => now },
    );
    const name = `orphan ${randomUUID()}`;
    await expect(makeStrategy(broken, name)).rejects.toThrow('the server died here');
    const other = startBus(store, { now: () => now });
    expect(codeOf(await makeStrategy(other, name))).toBe('STRATEGY_NAME_TAKEN');
    now += minute;
    accepted(await makeStrategy(other, name));
  });

  test('can be taken up by its own command', async () => {
    const commandId = randomUUID();
    const name = `retried ${randomUUID()}`;
    const broken = startBus(gated(() => Promise.reject(new Error('the server died here'))));
    await expect(makeStrategy(broken, name, commandId)).rejects.toThrow();
    accepted(await makeStrategy(startBus(store), name, commandId));
  });

  test('that was only slow finds its name gone, and is refused', async () => {
    let now = Date.now();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const slow = startBus(
      gated(() => {
        reach();
        return opened;
      }),
      { now: () => now },
    );
    const name = `slow ${randomUUID()}`;
    const late = makeStrategy(slow, name);
    await reached;
    now += minute;
    const winner = accepted(await makeStrategy(startBus(store, { now: () => now }), name));
    open();
    expect(codeOf(await late)).toBe('STRATEGY_NAME_TAKEN');
    expect(await typesOf(winner.stream)).toEqual(['StrategyCreated']);
  });

  test('stays with a claimant that used it, whatever its time', async () => {
    let now = Date.now();
    const bus = startBus(store, { now: () => now });
    const name = `used ${randomUUID()}`;
    const first = accepted(await makeStrategy(bus, name));
    now += 1000 * minute;
    expect(codeOf(await makeStrategy(bus, name))).toBe('STRATEGY_NAME_TAKEN');
    expect(await typesOf(first.stream)).toEqual(['StrategyCreated']);
  });
});
