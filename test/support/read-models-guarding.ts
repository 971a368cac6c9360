import { describe, expect, test } from '@jest/globals';
import type { GenerationRef, Misindexed } from '../../src/projection/read-model-store.ts';
import { at, batchOf } from './read-models-batches.ts';
import { openShelf, type ReadModelsUnderTest } from './read-models-shelf.ts';

/** Documents with a value of every kind, with none, and with those that are hard to keep. */
const documents = {
  full: {
    ...{ owner: 'Ann', title: 'Zürich <b> \u0000 🚀 größe', notes: 'one two two', price: '-1.50' },
    ...{ quantity: -7, at: 1_700_000_000_000, active: true, status: 'OPEN' },
    ...{ tags: ['b', 'a', 'a'], levels: ['1.0', '1', '10'], extra: { deep: [1, null] } },
  },
  empty: {},
  nulls: { title: null, price: null, tags: null, active: null, notes: null },
  blank: { title: '', notes: ' - ', owner: '', tags: [], levels: [] },
  long: { notes: `${'x'.repeat(100)} ${Array.from({ length: 400 }, (_, i) => `w${i}`).join(' ')}` },
  zero: { quantity: 0, price: '-0.00', active: false, at: 0 },
};

export function describeGuarding(underTest: ReadModelsUnderTest): void {
  const inspected = async (ref: GenerationRef, ids?: readonly string[]) => {
    const found: Misindexed[] = [];
    for await (const one of underTest.store.inspect(ref, ids)) found.push(one);
    return found;
  };

  describe('inspecting', () => {
    test('finds nothing in what was written through the port', async () => {
      const { ref, put, apply } = await openShelf(underTest);
      await put(documents);
      expect(await inspected(ref)).toEqual([]);
      await put({ full: { title: 'other words', tags: ['c'] }, empty: documents.full });
      await put({ zero: undefined, long: { notes: 'short' } });
      expect(await inspected(ref)).toEqual([]);
      await put({ zero: documents.zero });
      const before = [{ id: 'full', version: at(1), document: documents.full }];
      await apply(batchOf(before, { overwrite: true }));
      expect(await inspected(ref)).toEqual([]);
      expect(await inspected(ref, ['full', 'zero', 'never'])).toEqual([]);
    });

    test('looks at all documents of many, while they change', async () => {
      const { ref, put } = await openShelf(underTest);
      const ids = Array.from({ length: 450 }, (_, i) => `k${i}`);
      const write = (round: number) =>
        put(Object.fromEntries(ids.map((id) => [id, { title: `${id} ${round}`, tags: [id] }])));
      await write(0);
      const state = { isOver: false };
      const writing = (async () => {
        for (let round = 1; !state.isOver; round += 1) {
          await write(round);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      expect(await inspected(ref)).toEqual([]);
      expect(await inspected(ref, ids)).toEqual([]);
      state.isOver = true;
      await writing;
    });
  });

  describe('the lease', () => {
    const lease = (owner: string, ttlMs: number) => underTest.store.lease(owner, ttlMs);
    const long = 600_000;

    test('is one owner’s until it is given back', async () => {
      expect(await underTest.store.leasedBy()).toBeUndefined();
      expect(await lease('one', long)).toBe(true);
      expect(await lease('two', long)).toBe(false);
      expect(await underTest.store.leasedBy()).toBe('one');
      expect(await lease('one', long)).toBe(true);
      await lease('two', 0);
      expect(await lease('two', long)).toBe(false);
      await lease('one', 0);
      await lease('one', 0);
      expect(await underTest.store.leasedBy()).toBeUndefined();
      expect(await lease('two', long)).toBe(true);
      expect(await lease('one', long)).toBe(false);
      await lease('two', 0);
    });

    test('ends when it is not prolonged', async () => {
      expect(await lease('one', 100)).toBe(true);
      while ((await underTest.store.leasedBy()) !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      while (!(await lease('two', long))) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await lease('one', 100)).toBe(false);
      await lease('two', 0);
    });

    test('is prolonged, also when it has ended, unless somebody else has had one since', async () => {
      const prolong = (owner: string) => underTest.store.prolong(owner, long);
      expect(await prolong('one')).toBe(false);
      expect(await lease('one', 1)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await prolong('one')).toBe(true);
      expect(await underTest.store.leasedBy()).toBe('one');
      expect(await prolong('two')).toBe(false);
      expect(await lease('one', 1)).toBe(true);
      while (!(await lease('two', long))) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await prolong('one')).toBe(false);
      await lease('two', 0);
      expect(await prolong('one')).toBe(false);
      expect(await prolong('two')).toBe(false);
    });

    test('is shortened, too', async () => {
      expect(await lease('one', long)).toBe(true);
      expect(await lease('one', 50)).toBe(true);
      while (!(await lease('two', long))) await new Promise((resolve) => setTimeout(resolve, 10));
      await lease('two', 0);
    });

    test('is won by one of those who want it at once', async () => {
      for (let round = 0; round < 10; round += 1) {
        const owners = Array.from({ length: 5 }, (_, i) => `owner ${i}`);
        const won = await Promise.all(owners.map((owner) => lease(owner, long)));
        expect(won.filter(Boolean)).toHaveLength(1);
        await lease(owners[won.indexOf(true)] ?? '', 0);
      }
    });
  });
}
