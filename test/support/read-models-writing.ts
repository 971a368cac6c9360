import { describe, expect, test } from '@jest/globals';
import { start } from '../../src/kernel/position.ts';
import type { ParkedEvent } from '../../src/projection/read-model-store.ts';
import { at, batchOf } from './read-models-batches.ts';
import { openShelf, type ReadModelsUnderTest } from './read-models-shelf.ts';

const parkedEvent = (documentId: string, n: number, attempts = 1): ParkedEvent => ({
  documentId,
  position: at(n),
  stream: `thing-${documentId}`,
  revision: n,
  type: 'test.ThingHappened',
  error: 'it cannot be',
  attempts,
  parkedAt: 1_700_000_000_000 + n,
});

export function describeWriting(underTest: ReadModelsUnderTest): void {
  describe('writing', () => {
    test('a document is as it was written, with its version', async () => {
      const { view, ref, put } = await openShelf(underTest);
      const document = {
        title: 'Zürich <b> \u0000 🚀',
        price: '1.50',
        tags: ['a', 'a', 'b'],
        active: false,
        notes: null,
        extra: { deep: [1, null, { x: -0.5 }] },
      };
      await put({ one: document });
      const found = { id: 'one', version: at(1), document };
      expect(await underTest.models.get(view, 'one')).toEqual(found);
      expect(await underTest.store.load(ref, ['one', 'two'])).toEqual(new Map([['one', found]]));
      expect(await underTest.models.get(view, 'two')).toBeUndefined();
      expect(await underTest.models.getMany(view, ['two', 'one', 'one'])).toEqual(
        new Map([['one', found]]),
      );
    });

    test('only a later version is written, and a repetition changes nothing', async () => {
      const { ref, apply, list, found } = await openShelf(underTest);
      const write = (n: number, title: string | undefined) =>
        apply(
          batchOf([{ id: 'a', version: at(n), document: title === undefined ? title : { title } }]),
        );
      await write(5, 'five');
      await write(4, 'four');
      await write(5, 'another');
      await write(3, undefined);
      expect((await list()).items).toEqual([
        { id: 'a', version: at(5), document: { title: 'five' } },
      ]);
      expect(await found('four')).toEqual([]);
      await write(6, undefined);
      await write(5, 'five');
      await write(6, 'six');
      expect((await list()).items).toEqual([]);
      expect(await underTest.store.load(ref, ['a'])).toEqual(
        new Map([['a', { id: 'a', version: at(6), document: undefined }]]),
      );
      await write(7, 'seven');
      expect((await list()).items).toEqual([
        { id: 'a', version: at(7), document: { title: 'seven' } },
      ]);
      expect(await underTest.store.load(ref, ['a'])).toEqual(
        new Map([['a', { id: 'a', version: at(7), document: { title: 'seven' } }]]),
      );
    });

    test('what is overwritten takes the version that it is given', async () => {
      const { ref, put, apply, ids, found } = await openShelf(underTest);
      await put({
        a: { title: 'wrong' },
        b: undefined,
        c: { title: 'wrong' },
        d: { title: 'right' },
      });
      const documents = [
        { id: 'a', version: at(1), document: { title: 'right' } },
        { id: 'b', version: at(1), document: { title: 'right' } },
        { id: 'c', version: at(2), document: undefined },
        { id: 'e', version: at(1), document: { title: 'right' } },
      ];
      await apply(batchOf(documents, { overwrite: true }));
      expect(await ids()).toEqual(['a', 'b', 'd', 'e']);
      expect(await found('right')).toEqual(['a', 'b', 'd', 'e']);
      expect(await found('wrong')).toEqual([]);
      expect(await underTest.store.count(ref)).toBe(4);
      const stored = await underTest.store.load(ref, ['a', 'b', 'c', 'e']);
      expect([...stored.values()]).toEqual(documents);
      await apply(batchOf([{ id: 'a', version: at(1), document: { title: 'late' } }]));
      expect(await found('late')).toEqual([]);
    });

    test('versions are compared by commit, then by prepare, as large as they get', async () => {
      const { apply, list } = await openShelf(underTest);
      const commit = 2n ** 62n + 1n;
      const write = (prepare: bigint, title: string) =>
        apply(batchOf([{ id: 'a', version: { commit, prepare }, document: { title } }]));
      await write(commit - 1n, 'first');
      await write(commit - 2n, 'before');
      await write(commit, 'second');
      expect((await list()).items).toEqual([
        { id: 'a', version: { commit, prepare: commit }, document: { title: 'second' } },
      ]);
    });

    test('of several changes in one batch the last counts', async () => {
      const { ref, apply, ids, found } = await openShelf(underTest);
      await apply(
        batchOf([
          { id: 'a', version: at(1), document: { title: 'alpha' } },
          { id: 'b', version: at(2), document: { title: 'beta' } },
          { id: 'a', version: at(3), document: { title: 'gamma' } },
          { id: 'b', version: at(4), document: undefined },
          { id: 'c', version: at(5), document: { title: 'delta' } },
        ]),
      );
      expect(await ids()).toEqual(['a', 'c']);
      expect(await found('alpha')).toEqual([]);
      expect(await found('beta')).toEqual([]);
      expect(await found('gamma')).toEqual(['a']);
      expect(await found('delta')).toEqual(['c']);
      expect(await underTest.store.count(ref)).toBe(2);
    });

    test('a deleted document is found nowhere, and is not counted', async () => {
      const { view, ref, put, ids, found } = await openShelf(underTest);
      await put({ a: { title: 'alpha', tags: ['x'], status: 's' }, b: { title: 'alpha' } });
      expect(await underTest.store.count(ref)).toBe(2);
      await put({ a: undefined, never: undefined });
      expect(await underTest.store.count(ref)).toBe(1);
      expect(await underTest.models.get(view, 'a')).toBeUndefined();
      expect(await underTest.models.getMany(view, ['a', 'b']).then((m) => [...m.keys()])).toEqual([
        'b',
      ]);
      expect(await ids()).toEqual(['b']);
      expect(await ids({ where: [{ field: 'tags', in: ['x'] }] })).toEqual([]);
      expect(await found('alpha')).toEqual(['b']);
      expect(await found('')).toEqual(['b']);
      const scanned = [];
      for await (const { id } of underTest.store.scan(ref)) scanned.push(id);
      expect(scanned).toEqual(['b']);
    });

    test('a scan gives all documents in the order of their ids', async () => {
      const { ref, put } = await openShelf(underTest);
      const ids = Array.from({ length: 1203 }, (_, i) => `${(i * 7) % 1203}`);
      await put(Object.fromEntries(ids.map((id) => [`k${id}`, { title: id }])));
      const scanned = [];
      for await (const { id, document } of underTest.store.scan(ref)) {
        expect(`k${document?.title}`).toBe(id);
        scanned.push(id);
      }
      expect(scanned).toEqual(ids.map((id) => `k${id}`).sort());
    });
  });

  describe('the checkpoint', () => {
    const storedAt = 1_700_000_000_000;

    test('moves with its batch, and never backwards', async () => {
      const { view, apply, ref } = await openShelf(underTest);
      const checkpoint = async () => {
        const all = await underTest.store.generations();
        return all.find((info) => info.view === view.name)?.checkpoint;
      };
      expect(await checkpoint()).toEqual(start);
      await apply(batchOf([], { checkpoint: { position: at(9), storedAt } }));
      await apply(batchOf([], { checkpoint: { position: at(8), storedAt: storedAt + 5 } }));
      await apply(batchOf([]));
      expect(await checkpoint()).toEqual(at(9));
      expect(await underTest.store.open(ref, 'another')).toMatchObject({ checkpoint: at(9) });
      const progress = await underTest.models.progress(view);
      expect(progress).toMatchObject({ position: at(9), asOf: storedAt, generation: 1 });
    });

    test('stays where a document is refused, and nothing is parked', async () => {
      const { view, ref, apply } = await openShelf(underTest);
      const good = { id: 'good', version: at(1), document: { title: 'good' } };
      const bad: readonly (readonly [string, object])[] = [
        ['unknown', { colour: 'red' }],
        ['inherited', { toString: 'red' }],
        ['keyword', { owner: 1 }],
        ['text', { notes: ['a'] }],
        ['decimal', { price: '1e5' }],
        ['number', { price: 1.5 }],
        ['integer', { quantity: 1.5 }],
        ['instant', { at: '2020-01-01' }],
        ['boolean', { active: 'true' }],
        ['many', { tags: 'a' }],
        ['element', { tags: ['a', null] }],
      ];
      const documents = bad.map(([id, document]) => ({
        id,
        version: at(1),
        document: { ...document },
      }));
      const checkpoint = { position: at(2), storedAt };
      const refused = await apply(
        batchOf([good, ...documents], { checkpoint, park: [parkedEvent('other', 1)] }),
      );
      expect(refused.map(({ documentId }) => documentId)).toEqual(bad.map(([id]) => id));
      for (const { error } of refused) expect(error).toMatch(/field "\w+"/);
      for (const { error } of refused) expect(error).not.toContain('red');
      expect(await underTest.models.progress(view)).toMatchObject({ position: start });
      expect(await underTest.store.parked(ref)).toEqual([]);

      // As the caller does: once more, with their events parked.
      const park = [parkedEvent('text', 2)];
      expect(await apply(batchOf([good], { checkpoint, park }))).toEqual([]);
      expect(await underTest.models.progress(view)).toMatchObject({ position: at(2) });
      expect(await underTest.store.load(ref, ['good', ...bad.map(([id]) => id)])).toEqual(
        new Map([['good', good]]),
      );
      expect(await underTest.store.parked(ref)).toEqual(park);
    });

    test('a refusal in one generation names it, and holds up its neighbours only until it is parked', async () => {
      const one = await openShelf(underTest);
      const other = await openShelf(underTest);
      const checkpoint = { position: at(2), storedAt };
      const good = batchOf([{ id: 'a', version: at(1), document: { title: 'a' } }], { checkpoint });
      const bad = batchOf([{ id: 'b', version: at(1), document: { colour: 'red' } }], {
        checkpoint,
      });
      const batches = [
        { ref: one.ref, batch: good },
        { ref: other.ref, batch: bad },
      ];
      const { refused } = await underTest.store.apply(batches);
      expect(refused).toEqual([{ ref: other.ref, documentId: 'b', error: expect.any(String) }]);
      expect(await underTest.models.progress(other.view)).toMatchObject({ position: start });
      expect(await underTest.models.progress(one.view)).toMatchObject({ position: start });
      await underTest.store.apply([
        { ref: one.ref, batch: good },
        { ref: other.ref, batch: { ...bad, documents: [], park: [parkedEvent('b', 1)] } },
      ]);
      expect(await one.ids()).toEqual(['a']);
      expect(await underTest.models.progress(one.view)).toMatchObject({ position: at(2) });
      expect(await underTest.models.progress(other.view)).toMatchObject({ position: at(2) });
    });
  });

  describe('parked events', () => {
    test('are listed in their order, replaced, and removed one by one', async () => {
      const { ref, apply } = await openShelf(underTest);
      const [first, second, third] = [
        parkedEvent('b', 1),
        parkedEvent('a', 2),
        parkedEvent('b', 3),
      ];
      await apply(batchOf([], { park: [third, first, second] }));
      expect(await underTest.store.parked(ref)).toEqual([first, second, third]);
      const again = { ...first, attempts: 2, error: 'still not' };
      await apply(batchOf([], { park: [again] }));
      expect(await underTest.store.parked(ref)).toEqual([again, second, third]);
      await apply(batchOf([], { unpark: [first, { documentId: 'a', position: at(9) }] }));
      expect(await underTest.store.parked(ref)).toEqual([second, third]);
      expect(await underTest.store.parked((await openShelf(underTest)).ref)).toEqual([]);
    });
  });
}
