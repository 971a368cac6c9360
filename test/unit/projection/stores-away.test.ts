import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  type ListProjectionsResponse,
  ProjectionState,
} from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import type { Projector } from '../../../src/projection/projector.ts';
import type { ReadModelStore } from '../../../src/projection/read-model-store.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const fresh = () => openStores(mkdtempSync(join(root, 'a-')));
const closed = sumsView({ name: 'test_closed' });
const open = sumsView({ name: 'test_open' });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const statusOf = async (projector: Projector) =>
  ((await createOperations(projector).list()) as ListProjectionsResponse).projections;

const away = () => {
  throw new StoreFault('STORE_UNAVAILABLE', 'the index is closed');
};

test('a view whose documents cannot be counted says why; the others have their status', async () => {
  await using stores = fresh();
  await stores.append('p-1', deposited('USD'));
  let isAway = false;
  const store: ReadModelStore = {
    ...stores.store,
    count: async (ref) =>
      isAway && ref.view.name === closed.name ? away() : stores.store.count(ref),
  };
  await using projector = stores.start({ views: [closed, open], store });
  await stores.caughtUp(closed);
  await stores.caughtUp(open);
  await until(() => projector.state() === 'live');
  isAway = true;
  const other = { view: open.name, state: ProjectionState.LIVE, documents: 1n, lastError: '' };
  expect(await statusOf(projector)).toMatchObject([
    {
      ...{ view: closed.name, state: ProjectionState.WAITING, documents: -1n },
      lastError: 'the index is closed',
    },
    other,
  ]);
  isAway = false;
  expect(await statusOf(projector)).toMatchObject([
    { view: closed.name, state: ProjectionState.LIVE, documents: 1n, lastError: '' },
    other,
  ]);
});

test('a projector that stands by tells that the store is away', async () => {
  await using stores = fresh();
  await stores.append('p-1', deposited('USD'));
  await using one = stores.start({ views: [open] });
  await until(() => one.state() === 'live');
  let isAway = false;
  const store: ReadModelStore = {
    ...stores.store,
    generations: async () => (isAway ? away() : stores.store.generations()),
  };
  await using two = stores.start({ views: [open], store });
  await until(() => two.state() === 'standby');
  isAway = true;
  expect(await statusOf(two)).toMatchObject([
    { state: ProjectionState.STANDBY, documents: -1n, lastError: 'the index is closed' },
  ]);
});

test('who asks for a rebuild is told that it waits; it goes on by itself', async () => {
  await using stores = fresh();
  await stores.append('p-1', deposited('USD'));
  let isAway = false;
  let late = 0;
  const store: ReadModelStore = {
    ...stores.store,
    apply: async (batches) => (isAway ? away() : stores.store.apply(batches)),
  };
  const now = () => Date.now() + late;
  await using projector = stores.start({ views: [open], store, now });
  await until(() => projector.state() === 'live');
  await stores.caughtUp(open);
  isAway = true;
  const steps: unknown[] = [];
  const request = { view: open.name, stream: '' } as never;
  for await (const step of createOperations(projector).rebuild(request, callOf(operator))) {
    steps.push(step);
    if (projector.generations.buildOf(open.name)?.waiting !== undefined) late = 60_000;
  }
  expect(steps.at(-1)).toMatchObject({ kind: 'UNAVAILABLE', code: 'REBUILD_WAITS' });
  expect(await statusOf(projector)).toMatchObject([{ lastError: 'rebuild: the index is closed' }]);
  isAway = false;
  await until(() => projector.generations.buildOf(open.name)?.switched === true);
  expect(await statusOf(projector)).toMatchObject([{ generation: 2, lastError: '' }]);
});
