import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import { ProjectionState } from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import type { EventSource } from '../../../src/projection/event-source.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

// An older log is put in the place of the one that the read models were made from.

const root = temporaryFolder();
const view = sumsView();
const of = { view: view.name, stream: '' } as never;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function last<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  let found: Item | undefined;
  for await (const item of items) found = item;
  return found;
}

/** Read models of a log with five events; another log has the first two alone. */
async function restored() {
  const stores = openStores(mkdtempSync(join(root, 'a-')));
  const older = createSqliteEventLog({ path: join(mkdtempSync(join(root, 'o-')), 'events.db') });
  const events = ['USD', 'EUR', 'USD', 'EUR', 'GBP'].map((currency) => deposited(currency));
  await stores.append('p-1', ...events);
  await older.append('p-1', 'any', events.slice(0, 2));
  const close = async () => {
    await older[Symbol.asyncDispose]();
    await stores[Symbol.asyncDispose]();
  };
  return { ...stores, older, [Symbol.asyncDispose]: close };
}

const other = sumsView({ name: 'test_others' });

describe('a view that is ahead of the log', () => {
  test('is told of, answers as it was, and is mended by a rebuild', async () => {
    await using stores = await restored();
    {
      await using _before = stores.start({ views: [view] });
      await stores.caughtUp(view);
    }
    const { older } = stores;
    // The other view is of the older log alone.
    await using projector = stores.start({ views: [view, other], source: older });
    const operations = createOperations(projector);
    await until(() => projector.lanes[1]?.target !== undefined && projector.state() === 'live');
    expect(await operations.list()).toMatchObject({
      projector: { state: ProjectionState.LIVE, lastError: '' },
      projections: [
        {
          state: ProjectionState.FAILED,
          lastError: expect.stringContaining('ahead of the log'),
        },
        { state: ProjectionState.LIVE, lastError: '' },
      ],
    });
    for (const answer of [
      await last(operations.verify(of, callOf(operator))),
      await last(operations.rebuild({ view: view.name, stream: 'p-1' } as never, callOf(operator))),
      await operations.retry({ view: view.name, documentId: '' } as never),
    ]) {
      expect(answer).toMatchObject({ kind: 'PRECONDITION', code: 'VIEW_AHEAD_OF_LOG' });
      expect(answer).toMatchObject({
        message: expect.stringContaining('horizon projection rebuild test_sums'),
      });
    }
    // What comes in the place of the lost events is not mixed with them, also when there is more.
    await older.append(
      'p-2',
      'any',
      ['CHF', 'CHF', 'CHF', 'USD'].map((one) => deposited(one)),
    );
    await until(() => projector.lanes[1]?.checkpoint.commit === 6n);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
    expect(await stores.documentOf(view, 'CHF')).toBeUndefined();

    expect(await last(operations.rebuild(of, callOf(operator)))).toMatchObject({
      progress: { switched: true, generation: 2 },
    });
    await older.append('p-2', 'any', [deposited('CHF')]);
    await until(() => projector.lanes[0]?.checkpoint.commit === 7n);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
    expect(await stores.documentOf(view, 'CHF')).toEqual({ deposits: 4, note: '' });
    expect(await stores.documentOf(view, 'GBP')).toBeUndefined();
    expect(await operations.list()).toMatchObject({
      projections: [{ state: ProjectionState.LIVE, lastError: '' }, {}],
    });
    expect(await last(operations.verify(of, callOf(operator)))).toMatchObject({ differences: 0n });
    // Of the lost log nothing is kept to roll back to.
    expect(await operations.rollback(of)).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK_TO' });
  });

  test('is noticed when a log comes back as an older one', async () => {
    await using stores = await restored();
    const state = { isAway: false, isReplaced: false };
    const now = () => (state.isReplaced ? stores.older : stores.log);
    const source: EventSource = {
      ...stores.log,
      head: () => now().head(),
      countAfter: (after) => now().countAfter(after),
      readAll: (options) => now().readAll(options),
      subscribe: async function* (options) {
        for await (const batch of now().subscribe(options)) {
          if (state.isAway) throw new StoreFault('STORE_UNAVAILABLE', 'gone fishing');
          yield batch;
        }
      },
    };
    await using projector = stores.start({ views: [view], source });
    await stores.caughtUp(view);
    state.isAway = true;
    await stores.append('p-1', deposited('USD'));
    await until(() => projector.lastError() !== undefined);
    state.isReplaced = true;
    state.isAway = false;
    await until(() => projector.lanes[0]?.aheadOfLog !== undefined);
    expect(await stores.documentOf(view, 'GBP')).toEqual({ deposits: 1, note: '' });
  });

  test('a build that is, is begun anew; a generation that is, is not rolled back to', async () => {
    await using stores = await restored();
    const ref = { view, generation: 3 };
    {
      await using one = stores.start({ views: [view] });
      await stores.caughtUp(view);
      await last(createOperations(one).rebuild(of, callOf(operator)));
      const fingerprint = (await stores.store.generations())[0]?.fingerprint ?? '';
      await stores.store.open(ref, fingerprint);
      const checkpoint = { position: { commit: 5n, prepare: 5n }, storedAt: 1 };
      const batch = { documents: [], park: [], unpark: [], checkpoint };
      await stores.store.apply([{ ref, batch }]);
    }
    await using projector = stores.start({ views: [view], source: stores.older });
    await until(() => projector.state() === 'live');
    const operations = createOperations(projector);
    expect(await operations.rollback(of)).toMatchObject({ code: 'VIEW_AHEAD_OF_LOG' });
    expect(await stores.documentOf(view, 'GBP')).toEqual({ deposits: 1, note: '' });
    expect(await last(operations.rebuild(of, callOf(operator)))).toMatchObject({
      progress: { switched: true },
    });
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: '' });
    expect(await stores.documentOf(view, 'GBP')).toBeUndefined();
  });
});
