import { describe, expect, test } from '@jest/globals';
import type { NewEvent } from '../../../src/kernel/event.ts';
import { position } from '../../../src/kernel/position.ts';
import { createAggregate } from '../../../src/write/aggregate.ts';
import type { AppendResult, EventStore, ExpectedRevision } from '../../../src/write/event-store.ts';

type Append = { expected: ExpectedRevision; ids: string[]; answer: (result: AppendResult) => void };

/** A store whose appends are answered by the test. */
function heldStore() {
  const appends: Append[] = [];
  const store = {
    append: (_stream: string, expected: ExpectedRevision, events: readonly NewEvent[]) => {
      const { promise, resolve } = Promise.withResolvers<AppendResult>();
      appends.push({ expected, ids: events.map((event) => event.id), answer: resolve });
      return promise;
    },
  } as unknown as EventStore;
  return { store, appends };
}

const event = (id: string): NewEvent => ({ id, type: 't', data: {}, metadata: {} });
const stored = (revision: number): AppendResult => ({
  appended: true,
  revision,
  position: position(BigInt(100 + revision)),
});
const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('an aggregate in memory', () => {
  test('writes that come while one is under way share the next append', async () => {
    const { store, appends } = heldStore();
    const aggregate = createAggregate(store, 's-1', { state: 0, revision: -1 });
    const writes = ['a', 'b', 'c'].map((id, i) => aggregate.write(id, [event(id)], i + 1));
    expect(aggregate.state()).toBe(3);
    expect(aggregate.revision()).toBe(2);
    expect(appends.map(({ expected, ids }) => ({ expected, ids }))).toEqual([
      { expected: 'no_stream', ids: ['a'] },
    ]);
    appends[0]?.answer(stored(0));
    await tick();
    expect(appends[1]).toMatchObject({ expected: 0, ids: ['b', 'c'] });
    appends[1]?.answer(stored(2));
    const written = await Promise.all(writes.map((write) => write.written));
    expect(written.map((w) => w.stored && w.firstRevision)).toEqual([0, 1, 2]);
    expect(aggregate.isIdle()).toBe(true);
  });

  test('each command gets the position of its own last event where the store tells', async () => {
    const { store, appends } = heldStore();
    const aggregate = createAggregate(store, 's-1', { state: 0, revision: 4 });
    const first = aggregate.write('a', [event('a')], 1);
    const second = aggregate.write('b', [event('b1'), event('b2')], 2);
    const third = aggregate.write('c', [event('c')], 3);
    appends[0]?.answer(stored(5));
    await tick();
    const positions = [7n, 8n, 9n].map((commit) => position(commit));
    appends[1]?.answer({ appended: true, revision: 8, position: position(9n), positions });
    expect(await first.written).toMatchObject({ position: position(105n) });
    expect(await second.written).toMatchObject({ position: position(8n), firstRevision: 6 });
    expect(await third.written).toMatchObject({ position: position(9n), firstRevision: 8 });
  });

  test('nothing that was decided on a write that failed is ever stored', async () => {
    const { store, appends } = heldStore();
    const aggregate = createAggregate(store, 's-1', { state: 0, revision: 5 });
    const writes = ['a', 'b', 'c'].map((id) => aggregate.write(id, [event(id)], id));
    appends[0]?.answer({ appended: false, actual: 6 });
    const written = await Promise.all(writes.map((write) => write.written));
    expect(written).toEqual([{ stored: false }, { stored: false }, { stored: false }]);
    await tick();
    expect(appends).toHaveLength(1);
    expect(aggregate.isVoid()).toBe(true);
    expect(await aggregate.write('d', [event('d')], 'd').written).toEqual({ stored: false });
    expect(appends).toHaveLength(1);
  });

  test('a fault of the store reaches every write that waited', async () => {
    const fault = new Error('away');
    const store = { append: () => Promise.reject(fault) } as unknown as EventStore;
    const aggregate = createAggregate(store, 's-1', { state: 0, revision: 5 });
    const writes = ['a', 'b'].map((id) => aggregate.write(id, [event(id)], id).written);
    await expect(Promise.allSettled(writes)).resolves.toEqual([
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
    ]);
    expect(aggregate.isVoid()).toBe(true);
    expect(aggregate.underWay('a')).toBeUndefined();
  });

  test('an append takes no more than 500 events, but at least one command', async () => {
    const { store, appends } = heldStore();
    const aggregate = createAggregate(store, 's-1', { state: 0, revision: -1 });
    const many = (id: string, count: number) =>
      aggregate.write(
        id,
        Array.from({ length: count }, (_, i) => event(`${id}${i}`)),
        id,
      );
    many('a', 1);
    many('b', 300);
    many('c', 300);
    many('d', 700);
    appends[0]?.answer(stored(0));
    await tick();
    appends[1]?.answer(stored(300));
    await tick();
    appends[2]?.answer(stored(600));
    await tick();
    expect(appends.map(({ ids }) => ids.length)).toEqual([1, 300, 300, 700]);
  });
});
