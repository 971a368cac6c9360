import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { tradingWrite } from '../../../src/trading/write.ts';
import type { EventStore, ReadOptions } from '../../../src/write/event-store.ts';
import { accepted, startBus, type TestBus } from '../../support/command-bus.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
const openStore = (name: string) => createSqliteEventLog({ path: join(folder, name) });

const open = (bus: TestBus) =>
  bus.send(OpenPortfolioCommandSchema, {
    userId: 'alice',
    portfolioName: 'Savings',
    baseCurrency: 'USD',
    costBasisMethod: CostBasisMethod.FIFO,
  });
const deposit = (bus: TestBus, portfolioId: string) =>
  bus.send(DepositCashCommandSchema, { portfolioId, amount: '1' });

/** Counts how many events of aggregates are read. */
function counting(store: EventStore) {
  let events = 0;
  const read = async function* (stream: string, options?: ReadOptions) {
    for await (const event of store.read(stream, options)) {
      if (stream.startsWith('portfolio-')) events += 1;
      yield event;
    }
  };
  return { store: { ...store, read }, read: () => events };
}

describe('snapshots', () => {
  test('a cold command reads a snapshot and a tail', async () => {
    await using store = openStore('tail.db');
    const bus = startBus(store, { snapshotEvery: 100 });
    const { aggregateId } = accepted(await open(bus));
    for (let i = 0; i < 249; i += 1) accepted(await deposit(bus, aggregateId));
    await bus[Symbol.asyncDispose]();
    const counted = counting(store);
    const receipt = accepted(await deposit(startBus(counted.store), aggregateId));
    expect(receipt.revision).toBe(250n);
    expect(counted.read()).toBe(50);
    const last = store.read(`portfolio-${aggregateId}`, { direction: 'backwards', limit: 1 });
    for await (const event of last) expect(event.data.cash).toBe('250');
  });

  test('a warm command reads nothing of its stream', async () => {
    await using store = openStore('warm.db');
    const counted = counting(store);
    const bus = startBus(counted.store);
    const { aggregateId } = accepted(await open(bus));
    for (let i = 0; i < 20; i += 1) accepted(await deposit(bus, aggregateId));
    expect(counted.read()).toBe(0);
    await bus[Symbol.asyncDispose]();
  });

  test('a snapshot of another version is void: the events decide', async () => {
    await using store = openStore('version.db');
    const bus = startBus(store, { snapshotEvery: 10 });
    const { aggregateId } = accepted(await open(bus));
    for (let i = 0; i < 24; i += 1) accepted(await deposit(bus, aggregateId));
    await bus[Symbol.asyncDispose]();
    const deciders = tradingWrite.deciders.map((decider) => ({
      ...decider,
      snapshot: {
        ...decider.snapshot,
        version: decider.snapshot.version + 1,
        fromJson: () => {
          throw new Error('an old snapshot was read');
        },
      },
    }));
    const counted = counting(store);
    const changed = startBus(counted.store, { contexts: [{ ...tradingWrite, deciders }] });
    accepted(await deposit(changed, aggregateId));
    expect(counted.read()).toBe(25);
  });

  test('few of them are kept', async () => {
    await using store = openStore('few.db');
    const bus = startBus(store, { snapshotEvery: 5 });
    const { aggregateId } = accepted(await open(bus));
    for (let i = 0; i < 60; i += 1) accepted(await deposit(bus, aggregateId));
    await bus[Symbol.asyncDispose]();
    let kept = 0;
    for await (const _ of store.read(`snapshot-portfolio-${aggregateId}`)) kept += 1;
    expect(kept).toBeLessThanOrEqual(2);
    expect(kept).toBeGreaterThan(0);
  });

  test('aggregates beyond the capacity are forgotten, and loaded again', async () => {
    await using store = openStore('capacity.db');
    const counted = counting(store);
    const bus = startBus(counted.store, { cachedAggregates: 3 });
    const ids: string[] = [];
    for (let i = 0; i < 6; i += 1) ids.push(accepted(await open(bus)).aggregateId);
    for (const id of ids) accepted(await deposit(bus, id));
    expect(counted.read()).toBeGreaterThanOrEqual(6);
    await bus[Symbol.asyncDispose]();
  });
});
