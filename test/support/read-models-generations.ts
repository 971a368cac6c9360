import { describe, expect, test } from '@jest/globals';
import { StoreFault } from '../../src/kernel/fault.ts';
import { start } from '../../src/kernel/position.ts';
import type { Schema } from '../../src/projection/kit.ts';
import type { GenerationRef } from '../../src/projection/read-model-store.ts';
import { at, batchOf, fingerprint } from './read-models-batches.ts';
import { newView, openShelf, type ReadModelsUnderTest, schema } from './read-models-shelf.ts';

const titled = (id: string, n: number, title: string) => {
  return { id, version: at(n), document: { title } };
};
const upTo = (n: number) => ({ checkpoint: { position: at(n), storedAt: n } });

export function describeGenerations(underTest: ReadModelsUnderTest): void {
  async function statesOf(view: string): Promise<readonly string[]> {
    const all = await underTest.store.generations();
    return all.flatMap((one) => (one.view === view ? `${one.generation} ${one.state}` : []));
  }
  const faultOf = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof StoreFault ? error.code : error;
  };

  describe('generations', () => {
    test('a view without a live one is unavailable', async () => {
      const view = newView();
      const { store, models } = underTest;
      const questions = () => [
        models.progress(view),
        models.get(view, 'a'),
        models.getMany(view, ['a']),
        models.list(view, { where: [], limit: 1 }),
        models.search(view, { text: 'a', where: [], facets: [], limit: 1 }),
      ];
      for (const question of questions()) {
        expect(await faultOf(question)).toBe('STORE_UNAVAILABLE');
      }
      await store.open({ view, generation: 1 }, fingerprint);
      for (const question of questions()) {
        expect(await faultOf(question)).toBe('STORE_UNAVAILABLE');
      }
      await store.switchTo({ view, generation: 1 });
      expect(await models.get(view, 'a')).toBeUndefined();
    });

    test('one is opened once, switched to, kept and dropped', async () => {
      const { store, models } = underTest;
      const { view, ref: one, apply, ids, found } = await openShelf(underTest);
      await apply(batchOf([titled('a', 1, 'old')], upTo(1)));
      const two = { view, generation: 2 };
      const opened = {
        view: view.name,
        generation: 2,
        fingerprint: 'new',
        state: 'building',
        checkpoint: start,
      };
      expect(await store.open(two, 'new')).toEqual(opened);
      expect(await store.open(two, 'newer')).toEqual(opened);
      const documents = [titled('a', 1, 'new'), titled('b', 2, 'new')];
      await store.apply([{ ref: two, batch: batchOf(documents, upTo(2)) }]);
      expect(await statesOf(view.name)).toEqual(['1 live', '2 building']);
      expect(await ids()).toEqual(['a']);
      expect(await store.count(two)).toBe(2);

      await store.switchTo(two);
      await store.switchTo(two);
      expect(await statesOf(view.name)).toEqual(['1 kept', '2 live']);
      expect(await ids()).toEqual(['a', 'b']);
      expect(await found('old')).toEqual([]);
      expect(await found('new')).toEqual(['a', 'b']);
      expect(await models.progress(view)).toMatchObject({ generation: 2, position: at(2) });

      expect(await faultOf(store.drop(two))).toBe('STORE_FAILED');
      await store.drop(one);
      expect(await statesOf(view.name)).toEqual(['2 live']);
      expect(await faultOf(store.load(one, ['a']))).toBe('STORE_FAILED');
      expect(await faultOf(store.apply([{ ref: one, batch: batchOf([]) }]))).toBe('STORE_FAILED');
      expect(await faultOf(store.switchTo(one))).toBe('STORE_FAILED');
      expect(await faultOf(store.drop(one))).toBe('STORE_FAILED');
      expect(await ids()).toEqual(['a', 'b']);

      expect(await store.open(one, 'again')).toMatchObject({ checkpoint: start });
      expect(await store.count(one)).toBe(0);
      expect(await store.parked(one)).toEqual([]);
    });

    test('a rollback is a switch to the one before, once it has caught up', async () => {
      const { store, models } = underTest;
      const { view, ref: one, apply, ids } = await openShelf(underTest);
      await apply(batchOf([titled('a', 1, 'old')], upTo(1)));
      const two = { view, generation: 2 };
      await store.open(two, fingerprint);
      expect(await faultOf(store.switchTo(two))).toBe('STORE_FAILED');
      await store.apply([{ ref: two, batch: batchOf([titled('b', 2, 'new')], upTo(2)) }]);
      await store.switchTo(two);
      expect(await faultOf(store.switchTo(one))).toBe('STORE_FAILED');
      expect(await statesOf(view.name)).toEqual(['1 kept', '2 live']);
      await store.apply([{ ref: one, batch: batchOf([titled('c', 2, 'old')], upTo(2)) }]);
      await store.switchTo(one);
      expect(await statesOf(view.name)).toEqual(['1 live', '2 kept']);
      expect(await ids()).toEqual(['a', 'c']);
      expect(await models.progress(view)).toMatchObject({ generation: 1, position: at(2) });
    });

    test('one that is behind goes live where the log has gone back', async () => {
      const { store, models } = underTest;
      const { view, apply, ids } = await openShelf(underTest);
      await apply(batchOf([titled('a', 9, 'of a log that is lost')], upTo(9)));
      const two = { view, generation: 2 };
      await store.open(two, fingerprint);
      await store.apply([{ ref: two, batch: batchOf([titled('b', 2, 'new')], upTo(2)) }]);
      expect(await faultOf(store.switchTo(two, { backwards: false }))).toBe('STORE_FAILED');
      await store.switchTo(two, { backwards: true });
      expect(await statesOf(view.name)).toEqual(['1 kept', '2 live']);
      expect(await ids()).toEqual(['b']);
      expect(await models.progress(view)).toMatchObject({ generation: 2, position: at(2) });
    });

    test('one keeps the schema that it was opened with', async () => {
      const { store, models } = underTest;
      const { view, ref: one, apply } = await openShelf(underTest);
      await apply(batchOf([titled('a', 1, 'old')], upTo(1)));
      const fields: Schema = {
        ...schema,
        colour: { kind: 'keyword', filter: true, sort: true, facet: true },
        owner: { kind: 'keyword', fold: true, filter: true },
      };
      const changed = { ...view, schema: fields };
      const by = (field: string) => ({ where: [{ field, in: ['red'] }], limit: 1 });
      expect(await faultOf(models.list(changed, by('colour')))).toBe('STORE_UNAVAILABLE');
      expect(await faultOf(models.list(changed, by('owner')))).toBe('STORE_UNAVAILABLE');
      expect((await models.list(changed, { where: [], limit: 1 })).items).toHaveLength(1);
      const two: GenerationRef = { view: changed, generation: 2 };
      await store.open(two, 'changed');
      const document = { title: 'a', colour: 'red', owner: 'Red' };
      const documents = [{ id: 'a', version: at(1), document }];
      await store.apply([{ ref: two, batch: batchOf(documents, upTo(1)) }]);
      await store.switchTo(two);
      await models.refresh(changed);
      expect((await models.list(changed, by('colour'))).items).toHaveLength(1);
      expect((await models.list(changed, by('owner'))).items).toHaveLength(1);
      const again = { ...one, view: changed };
      const later = [{ id: 'z', version: at(9), document }];
      expect((await store.apply([{ ref: again, batch: batchOf(later) }])).refused).toHaveLength(1);
    });

    test('its projector is heard of', async () => {
      const { store, models } = underTest;
      const { view, ref } = await openShelf(underTest);
      const unheard = { position: start, asOf: 0, lagSeconds: 0, heartbeatAt: 0, generation: 1 };
      expect(await models.progress(view)).toEqual(unheard);
      const now = 1_700_000_000_000;
      const beat = { at: now, lagSeconds: 1.25, parkedDocuments: 0 };
      await store.heartbeat(ref, { ...beat, lagEvents: 7 });
      const heard = { ...unheard, lagSeconds: 1.25, heartbeatAt: now };
      expect(await models.progress(view)).toEqual({ ...heard, lagEvents: 7 });
      await store.heartbeat(ref, beat);
      expect(await models.progress(view)).toEqual(heard);
    });

    test('it is told how many documents wait behind an event', async () => {
      const { store, models } = underTest;
      const { view, ref, apply } = await openShelf(underTest);
      const event = {
        stream: 's-1',
        revision: 0,
        type: 'A',
        error: 'no',
        attempts: 1,
        parkedAt: 1,
      };
      const park = [1, 2, 3].map((n) => {
        return { ...event, documentId: n === 3 ? 'b' : 'a', position: at(n) };
      });
      await apply({ ...batchOf([], upTo(3)), park });
      await store.heartbeat(ref, { at: 1, lagSeconds: 0, parkedDocuments: 2 });
      expect(await models.progress(view)).toMatchObject({ parkedDocuments: 2 });
    });

    test('no question fails or goes back in time while they come, go live and go', async () => {
      const { store, models } = underTest;
      const { view, ref, apply } = await openShelf(underTest);
      await apply(batchOf([titled('a', 1, 'title 1')], upTo(1)));
      const reading = { goesOn: true };
      const read = async () => {
        let answers = 0;
        for (let last = 0n; reading.goesOn; answers += 1) {
          const { position } = await models.progress(view);
          expect(position.commit).toBeGreaterThanOrEqual(last);
          const document = await models.get(view, 'a');
          expect(document?.version.commit).toBeGreaterThanOrEqual(position.commit);
          const page = await models.list(view, {
            where: [{ field: 'title', from: 'a' }],
            limit: 5,
          });
          expect(page.items.map(({ id }) => id)).toEqual(['a']);
          const question = { text: 'title', where: [], facets: ['status'], limit: 5 };
          expect((await models.search(view, question)).total).toBe(1);
          last = position.commit;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return answers;
      };
      const readers = [read(), read()];
      let live = ref;
      for (let generation = 2; generation < 12; generation += 1) {
        const next = { view, generation };
        await store.open(next, fingerprint);
        const documents = [titled('a', generation, `title ${generation}`)];
        await store.apply([{ ref: next, batch: batchOf(documents, upTo(generation)) }]);
        await models.refresh(view);
        await store.switchTo(next);
        await store.drop(live);
        live = next;
        await new Promise((resolve) => setImmediate(resolve));
      }
      reading.goesOn = false;
      for (const answers of await Promise.all(readers)) expect(answers).toBeGreaterThan(5);
    });
  });
}
