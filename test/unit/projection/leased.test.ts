import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { position } from '../../../src/kernel/position.ts';
import { fingerprintOf } from '../../../src/projection/fingerprint.ts';
import { leased } from '../../../src/projection/leased-store.ts';
import { leaseMs } from '../../../src/projection/tenure.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const fresh = () => openStores(mkdtempSync(join(root, 'l-')));
const view = sumsView();
const live = { view, generation: 1 };

test('without the lease nothing is written, and everything can be read', async () => {
  await using stores = fresh();
  const may = { write: true };
  const store = leased(stores.store, () => may.write);
  await store.open(live, fingerprintOf(view));
  await store.switchTo(live);
  const documents = [{ id: 'USD', version: position(3n), document: { deposits: 1, note: '' } }];
  await store.apply([{ ref: live, batch: { documents, park: [], unpark: [] } }]);
  may.write = false;
  const newer = documents.map((one) => ({ ...one, version: position(4n), document: undefined }));
  const beat = { at: 1, lagSeconds: 0, parkedDocuments: 0 };
  for (const write of [
    () => store.apply([{ ref: live, batch: { documents: newer, park: [], unpark: [] } }]),
    () => store.open({ view, generation: 2 }, fingerprintOf(view)),
    () => store.switchTo(live),
    () => store.drop(live),
    () => store.heartbeat(live, beat),
  ]) {
    await expect(write()).rejects.toThrow('the lease is over');
  }
  expect(await store.generations()).toMatchObject([{ generation: 1, state: 'live' }]);
  expect((await store.load(live, ['USD'])).get('USD')).toEqual(documents[0]);
  expect(await store.count(live)).toBe(1);
});

/** A view that hangs once for longer than a lease. */
function hangingView(meanwhile: () => void) {
  const hang = { isDue: true };
  return sumsView({
    project: (sum, event, id) => {
      if (hang.isDue) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs);
      if (hang.isDue) meanwhile();
      hang.isDue = false;
      return view.project(sum, event, id) as never;
    },
  });
}

test('a projector that hung while another one worked writes nothing of what it was at', async () => {
  const folder = mkdtempSync(join(root, 'l-'));
  await using stores = openStores(folder);
  const hanging = hangingView(() => {
    const file = new Database(join(folder, 'views.db'));
    // Another one has had it, and was killed.
    file.exec("UPDATE lease SET owner = 'another', until = 0");
    file.close();
  });
  await using projector = stores.start({ views: [hanging] });
  await stores.caughtUp(hanging);
  await stores.append('p-1', deposited('USD'));
  await stores.caughtUp(hanging);
  expect(projector.lastError()?.message).toContain('the lease is over');
  expect(await stores.documentOf(hanging, 'USD')).toEqual({ deposits: 1, note: '' });
});

test('one that hung while no other one worked goes on with it', async () => {
  await using stores = fresh();
  const hanging = hangingView(() => undefined);
  await using projector = stores.start({ views: [hanging] });
  await stores.caughtUp(hanging);
  const term = projector.term();
  await stores.append('p-1', deposited('USD'));
  await stores.caughtUp(hanging);
  expect(projector.lastError()).toBeUndefined();
  expect(projector.term()).toBe(term);
  expect(await stores.documentOf(hanging, 'USD')).toEqual({ deposits: 1, note: '' });
});

test('where somebody has made another generation live, that is fed', async () => {
  await using stores = fresh();
  await stores.append('p-1', deposited('USD'));
  await using projector = stores.start({ views: [view] });
  await stores.caughtUp(view);
  const other = { view, generation: 2 };
  await stores.store.open(other, fingerprintOf(view));
  await stores.store.switchTo(other, { backwards: true });
  await stores.append('p-1', deposited('USD'));
  await stores.caughtUp(view);
  expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: '' });
  expect(projector.lanes[0]?.target?.ref.generation).toBe(2);
});
