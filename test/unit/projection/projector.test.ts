import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ProjectionState } from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import { isRejection } from '../../../src/kernel/rejection.ts';
import type { EventSource } from '../../../src/projection/event-source.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import { projectorStatus, statusesOf } from '../../../src/projection/status.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { deposited, openStores, other, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const fresh = () => openStores(mkdtempSync(join(root, 'p-')));
const view = sumsView();

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

describe('a projector', () => {
  test('applies what is in the log and what comes, and goes on where it was', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD'), other(), deposited('EUR'));
    {
      await using _projector = stores.start({ views: [view] });
      await stores.caughtUp(view);
      await stores.append('p-2', deposited('USD'));
      await stores.caughtUp(view);
      expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
    }
    await stores.append('p-1', deposited('USD'));
    await using _again = stores.start({ views: [view] });
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 3, note: '' });
    expect(await stores.documentOf(view, 'EUR')).toEqual({ deposits: 1, note: '' });
  });

  test('delivered again, or by two projectors at once, an event counts once', async () => {
    await using stores = fresh();
    // As those who have lost their lease and do not know it yet.
    const store = { ...stores.store, lease: async () => true };
    await using _one = stores.start({ views: [view], store });
    await using _two = stores.start({ views: [view], store });
    for (let i = 0; i < 50; i += 1) await stores.append(`p-${i % 5}`, deposited('USD'));
    await stores.caughtUp(view);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 50, note: '' });
  });

  test('waits for a store that goes away, says so, and misses nothing', async () => {
    await using stores = fresh();
    let away = false;
    const source: EventSource = {
      ...stores.log,
      subscribe: async function* (options) {
        for await (const batch of stores.log.subscribe(options)) {
          if (away) throw new StoreFault('STORE_UNAVAILABLE', 'gone fishing');
          yield batch;
        }
      },
      head: () =>
        away
          ? Promise.reject(new StoreFault('STORE_UNAVAILABLE', 'gone fishing'))
          : stores.log.head(),
    };
    await using projector = stores.start({ views: [view], source });
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    away = true;
    await stores.append('p-1', deposited('USD'));
    while (projector.lastError() === undefined) await new Promise((r) => setTimeout(r, 5));
    expect(projector.lastError()?.message).toBe('gone fishing');
    expect(projector.state()).toBe('waiting');
    const waiting = { state: ProjectionState.WAITING, lastError: 'gone fishing' };
    expect(await statusesOf(projector, projector.lanes)).toMatchObject([waiting]);
    away = false;
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
    expect(projector.state()).toBe('live');
    const live = { state: ProjectionState.LIVE, lastError: '' };
    expect(await statusesOf(projector, projector.lanes)).toMatchObject([live]);
    expect(projectorStatus(projector)).toMatchObject({ lastError: 'gone fishing' });
  });

  test('applies a costly view in batches of a size or a time', async () => {
    await using stores = fresh();
    const batches = { test_sums: { size: 10, waitMs: 60_000 } };
    await using projector = stores.start({ views: [view], batches });
    await stores.caughtUp(view);
    for (let i = 0; i < 9; i += 1) await stores.append('p-1', deposited('USD'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await stores.documentOf(view, 'USD')).toBeUndefined();
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 10, note: '' });
    expect(projector.lanes[0]?.applied).toBe(10);
  });

  test('a batch that is not full is applied when its time is over', async () => {
    await using stores = fresh();
    const batches = { test_sums: { size: 1000, waitMs: 100 } };
    await using _projector = stores.start({ views: [view], batches });
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: '' });
  });
});

describe('an event that cannot be applied', () => {
  const poison = async (note: string) => {
    const stores = fresh();
    await stores.append(
      'p-1',
      deposited('USD', 'a'),
      deposited('USD', note),
      deposited('USD', 'b'),
    );
    await stores.append('p-2', deposited('EUR', 'c'));
    return stores;
  };

  test.each(['poison', 'wrong'])(
    'parks its document, in order, and lets others go on: %s',
    async (note) => {
      await using stores = await poison(note);
      await using projector = stores.start({ views: [view] });
      await stores.caughtUp(view);
      await stores.append('p-2', deposited('EUR', 'd'), deposited('USD', 'e'));
      await stores.caughtUp(view);
      expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: 'a' });
      expect(await stores.documentOf(view, 'EUR')).toEqual({ deposits: 2, note: 'd' });
      const target = projector.lanes[0]?.target;
      const parked = target === undefined ? [] : await stores.store.parked(target.ref);
      expect(parked.map(({ documentId, revision }) => [documentId, revision])).toEqual([
        ['USD', 1],
        ['USD', 2],
        ['USD', 2],
      ]);
      expect(parked[0]?.error).toContain(note === 'poison' ? 'poison' : 'note');
    },
  );

  test('skip gives up the first and applies those behind it; retry needs a cause to be gone', async () => {
    await using stores = await poison('poison');
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const of = { view: 'test_sums', documentId: 'USD' } as never;
    expect(await operations.retry(of)).toMatchObject({ applied: 0n, stillParked: 2n });
    expect(await operations.skip(of)).toMatchObject({ applied: 1n, stillParked: 0n });
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: 'b' });
    expect(isRejection(await operations.skip(of))).toBe(true);
    await stores.append('p-1', deposited('USD', 'f'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 3, note: 'f' });
  });

  test('a mended view applies what was parked, after a restart too', async () => {
    await using stores = await poison('poison');
    {
      await using _projector = stores.start({ views: [view] });
      await stores.caughtUp(view);
    }
    const project = (sum: { deposits: number } | undefined) => ({
      deposits: (sum?.deposits ?? 0) + 1,
      note: 'mended',
    });
    await using projector = stores.start({ views: [sumsView({ project: project as never })] });
    await stores.caughtUp(view);
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const retried = await operations.retry({ view: 'test_sums', documentId: '' } as never);
    expect(retried).toMatchObject({ applied: 3n, stillParked: 0n });
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 4, note: 'mended' });
  });

  test('where its documents cannot be told, its stream waits, and is replayed on retry', async () => {
    await using stores = await poison('no ids');
    {
      await using projector = stores.start({ views: [view] });
      await stores.caughtUp(view);
      expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: 'a' });
      expect([...(projector.lanes[0]?.target?.parked.keys() ?? [])]).toEqual(['stream:p-1']);
    }
    const mended = sumsView({ ids: ({ recorded }) => [String(recorded.data.currency)] });
    await using projector = stores.start({ views: [mended] });
    await stores.append('p-9', other());
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const retried = await operations.retry({ view: 'test_sums', documentId: '' } as never);
    expect(retried).toMatchObject({ applied: 2n, stillParked: 0n });
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 3, note: 'b' });
  });
});

describe('a rebuild', () => {
  const rebuild = (projector: ReturnType<ReturnType<typeof fresh>['start']>, stream = '') =>
    all(
      createOperations(projector).rebuild({ view: 'test_sums', stream } as never, callOf(operator)),
    );

  test('goes live beside the old one, which queries see until then, and which is kept', async () => {
    await using stores = fresh();
    for (let i = 0; i < 30; i += 1) await stores.append('p-1', deposited('USD'), other());
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const writing = (async () => {
      for (let i = 0; i < 100; i += 1) await stores.append('p-2', deposited('USD'));
    })();
    let least = 0;
    let isOver = false;
    const done = rebuild(projector).finally(() => {
      isOver = true;
    });
    const watching = (async () => {
      while (!isOver) {
        const seen = Number((await stores.documentOf(view, 'USD'))?.deposits);
        expect(seen).toBeGreaterThanOrEqual(least);
        least = seen;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const last = (await done).at(-1);
    expect(last).toMatchObject({ progress: { generation: 2, switched: true } });
    await watching;
    await writing;
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 130, note: '' });
    const states = (await stores.store.generations()).map(({ generation, state }) => [
      generation,
      state,
    ]);
    expect(states.sort()).toEqual([
      [1, 'kept'],
      [2, 'live'],
    ]);
  });

  test('of a view without events ends, and does not empty the live one', async () => {
    await using stores = fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    expect((await rebuild(projector)).at(-1)).toMatchObject({ progress: { switched: true } });
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: '' });
  });

  test('that was killed on its way goes on from where it was', async () => {
    await using stores = fresh();
    const many = Array.from({ length: 1_000 }, () => deposited('USD'));
    for (let i = 0; i < 9; i += 1) {
      await stores.append('p-1', ...many.map((event) => ({ ...event, id: randomUUID() })));
    }
    {
      let read = 0;
      const source: EventSource = {
        ...stores.log,
        readAll: async function* (options) {
          for await (const batch of stores.log.readAll(options)) {
            read += batch.events.length;
            if (read > 15_000) throw new Error('killed');
            yield batch;
          }
        },
      };
      await using projector = stores.start({ views: [view], source });
      await stores.caughtUp(view);
      expect((await rebuild(projector)).at(-1)).toMatchObject({ code: 'REBUILD_FAILED' });
      expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 9_000, note: '' });
    }
    const building = (await stores.store.generations()).find(({ state }) => state === 'building');
    expect(building?.checkpoint.commit).toBeGreaterThanOrEqual(2_000n);
    await using projector = stores.start({ views: [view] });
    while (!projector.generations.buildOf('test_sums')?.switched) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(projector.generations.buildOf('test_sums')?.done).toBeLessThanOrEqual(7_000);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 9_000, note: '' });
  });

  test('starts by itself when the view has changed; the code before takes its generation back', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD'));
    const changed = sumsView({ version: 2, project: () => ({ deposits: -1, note: 'new' }) });
    const generationAt = async () => (await stores.models.progress(view)).generation;
    for (const [code, generation] of [
      [view, 1],
      [changed, 2],
      [view, 1],
    ] as const) {
      await using _projector = stores.start({ views: [code] });
      await stores.append('p-1', deposited('USD'));
      while ((await generationAt().catch(() => 0)) !== generation) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await stores.caughtUp(view);
    }
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 4, note: '' });
  });

  test('of one aggregate alone mends its documents', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD', 'a'));
    await stores.append('p-2', deposited('USD', 'b'), deposited('EUR', 'c'));
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const ref = projector.lanes[0]?.target?.ref ?? (undefined as never);
    const damaged = async (id: string) => {
      const version = (await stores.store.load(ref, [id])).get(id)?.version ?? (undefined as never);
      const documents = [{ id, version, document: { deposits: 99, note: 'by hand' } }];
      await stores.store.apply([
        { ref, batch: { documents, park: [], unpark: [], overwrite: true } },
      ]);
    };
    await damaged('USD');
    await damaged('EUR');
    expect(await rebuild(projector, 'p-1')).toMatchObject([{ documents: ['USD'] }]);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: 'b' });
    expect(await stores.documentOf(view, 'EUR')).toEqual({ deposits: 99, note: 'by hand' });
  });
});

describe('verify and rollback', () => {
  test('verify names each document that differs, field by field, also under load', async () => {
    await using stores = fresh();
    for (const currency of ['USD', 'EUR', 'GBP', 'CHF']) {
      await stores.append('p-1', deposited(currency, 'a'));
    }
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const verify = async () => {
      const steps = await all(operations.verify({ view: 'test_sums' } as never, callOf(operator)));
      return steps.at(-1);
    };
    let writing = true;
    const load = (async () => {
      while (writing) await stores.append('p-3', deposited('JPY', 'x'));
    })();
    expect(await verify()).toMatchObject({ done: true, differences: 0n });
    writing = false;
    await load;
    const ref = projector.lanes[0]?.target?.ref ?? (undefined as never);
    const stored = await stores.store.load(ref, ['USD', 'EUR']);
    const version = stored.get('USD')?.version ?? (undefined as never);
    const documents = [
      { id: 'USD', version, document: { deposits: 9, note: 'a' } },
      { id: 'EUR', version, document: undefined },
      { id: 'XXX', version, document: { deposits: 1, note: '' } },
    ];
    await stores.store.apply([
      { ref, batch: { documents, park: [], unpark: [], overwrite: true } },
    ]);
    const found = await verify();
    expect(found).toMatchObject({ done: true, differences: 3n });
    const told = JSON.parse(
      JSON.stringify((found as unknown as { documents: object[] }).documents, replacer),
    );
    expect(
      told.map((one: { documentId: string; kind: number }) => [one.documentId, one.kind]),
    ).toEqual([
      ['EUR', 2],
      ['USD', 3],
      ['XXX', 1],
    ]);
    expect(JSON.stringify(told)).toContain('"field":"deposits"');
    expect((await stores.store.generations()).length).toBe(1);
  });

  test('rollback goes to the generation before, brought up to date; without one it is refused', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD'));
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const of = { view: 'test_sums', stream: '' } as never;
    expect(await operations.rollback(of)).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK_TO' });
    await all(operations.rebuild(of, callOf(operator)));
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await operations.rollback(of)).toMatchObject({ generation: 1 });
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 3, note: '' });
  });
});

function replacer(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
