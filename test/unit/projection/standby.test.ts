import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type ListProjectionsResponse,
  ProjectionState,
} from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { EventSource } from '../../../src/projection/event-source.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import type { Projector } from '../../../src/projection/projector.ts';
import { projectionGauges } from '../../../src/projection/status.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const fresh = () => openStores(mkdtempSync(join(root, 's-')));
const view = sumsView();

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function last<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  let found: Item | undefined;
  for await (const item of items) found = item;
  return found;
}

const of = { view: view.name, stream: '', documentId: 'USD' } as never;

async function listed(projector: Projector): Promise<ListProjectionsResponse> {
  return (await createOperations(projector).list()) as ListProjectionsResponse;
}

describe('two projectors on the same read models', () => {
  test('one works; the other stands by, says so, and refuses to work', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD'));
    await using one = stores.start({ views: [view], name: 'one' });
    await stores.caughtUp(view);
    await until(() => one.state() === 'live');
    await using two = stores.start({ views: [view], name: 'two' });
    await until(() => two.state() === 'standby');
    await until(() => two.worker() !== undefined);
    expect(await listed(two)).toMatchObject({
      projector: { name: 'two', worker: 'one', state: ProjectionState.STANDBY, lastError: '' },
      projections: [
        { state: ProjectionState.STANDBY, generation: 1, documents: 1n, lagEvents: 0n },
      ],
    });
    expect(await listed(one)).toMatchObject({
      projector: { name: 'one', worker: 'one', state: ProjectionState.LIVE },
    });
    const operations = createOperations(two);
    const call = callOf(operator);
    for (const answer of [
      await last(operations.rebuild(of, call)),
      await last(operations.rebuild({ ...(of as object), stream: 'p-1' } as never, call)),
      await last(operations.verify(of, call)),
      await operations.rollback(of),
      await operations.parked(of),
      await operations.retry(of),
      await operations.skip(of),
    ]) {
      expect(answer).toMatchObject({ kind: 'PRECONDITION', code: 'PROJECTOR_STANDS_BY' });
      expect(answer).toMatchObject({ message: expect.stringContaining('two stands by: one has') });
    }
    for (const gauge of projectionGauges(two)) expect(gauge.collect()).toEqual([]);
  });

  test('when the one stops the other goes on, with the generation that the one has made', async () => {
    await using stores = fresh();
    await stores.append('p-1', deposited('USD'), deposited('EUR'));
    await using two = await (async () => {
      await using one = stores.start({ views: [view] });
      await stores.caughtUp(view);
      const other = stores.start({ views: [view] });
      await until(() => other.state() === 'standby');
      expect(await last(createOperations(one).rebuild(of, callOf(operator)))).toMatchObject({
        progress: { switched: true, generation: 2 },
      });
      await stores.append('p-1', deposited('USD'));
      return other;
    })();
    await stores.append('p-1', deposited('USD'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 3, note: '' });
    expect(two.lanes[0]?.target?.ref.generation).toBe(2);
    expect(await last(createOperations(two).verify(of, callOf(operator)))).toMatchObject({
      done: true,
      differences: 0n,
    });
    expect((await listed(two)).projector).toMatchObject({ worker: two.name });
  });

  test('one that has the name of one that was killed need not wait', async () => {
    await using stores = fresh();
    expect(await stores.store.lease('the same', 600_000)).toBe(true);
    await stores.append('p-1', deposited('USD'));
    await using _again = stores.start({ views: [view], name: 'the same' });
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: '' });
  });

  test('one that loses its lease works no longer, until it gets it back', async () => {
    await using stores = fresh();
    await using projector = stores.start({ views: [view], name: 'one' });
    await stores.caughtUp(view);
    await stores.store.lease('one', 0);
    expect(await stores.store.lease('another', 600_000)).toBe(true);
    await until(() => projector.state() === 'standby');
    await stores.append('p-1', deposited('USD'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await stores.documentOf(view, 'USD')).toBeUndefined();
    await stores.store.lease('another', 0);
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 1, note: '' });
  });

  test('a rebuild that is under way then goes on in the other', async () => {
    await using stores = fresh();
    for (let i = 0; i < 9; i += 1) {
      await stores.append('p-1', ...Array.from({ length: 1_000 }, () => deposited('USD')));
    }
    // The one comes no further than the first batch.
    const gate = { isShut: false };
    const source: EventSource = {
      ...stores.log,
      readAll: async function* (options = {}) {
        for await (const batch of stores.log.readAll(options)) {
          yield batch;
          await until(() => !gate.isShut || options.signal?.aborted !== false);
        }
      },
    };
    await using one = stores.start({ views: [view], name: 'one', source });
    await stores.caughtUp(view);
    gate.isShut = true;
    const rebuilding = last(createOperations(one).rebuild(of, callOf(operator)));
    const isBegun = async () =>
      (await stores.store.generations()).some(
        (info) => info.checkpoint.commit >= 2_000n && info.generation === 2,
      );
    await until(isBegun);
    // The live generation goes on meanwhile.
    await stores.append('p-2', deposited('EUR'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'EUR')).toEqual({ deposits: 1, note: '' });
    await until(() => one.generations.buildOf(view.name)?.done === 2_000);
    await stores.store.lease('one', 0);
    await using two = stores.start({ views: [view], name: 'two' });
    expect(await rebuilding).toMatchObject({ kind: 'UNAVAILABLE', code: 'LEASE_LOST' });
    await until(() => two.generations.buildOf(view.name)?.switched === true);
    expect(two.generations.buildOf(view.name)?.generation).toBe(2);
    expect(two.generations.buildOf(view.name)?.done).toBeLessThanOrEqual(7_001);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 9_000, note: '' });
    gate.isShut = false;
  });
});
