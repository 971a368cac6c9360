import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const view = sumsView();

test('a live generation that is taken away by hand is built again, though nothing happens', async () => {
  const folder = mkdtempSync(join(root, 't-'));
  const stores = openStores(folder);
  await stores.append('p-1', deposited('CHF', 'paid in'));
  await using projector = stores.start({ views: [view] });
  await stores.caughtUp(view);
  const before = await stores.documentOf(view, 'CHF');
  const file = new Database(join(folder, 'views.db'));
  file.exec(`UPDATE generations SET state = 'kept' WHERE view = '${view.name}'`);
  file.close();
  await stores.store.drop({ view, generation: 1 });
  const liveAgain = async () => {
    const infos = await stores.store.generations();
    return infos.some((info) => info.view === view.name && info.state === 'live');
  };
  expect(await liveAgain()).toBe(false);
  while (!(await liveAgain())) await delay(20);
  await stores.caughtUp(view);
  expect(await stores.documentOf(view, 'CHF')).toEqual(before);
  expect(projector.lastError()?.message).toContain(`the view "${view.name}" is gone`);
});

test('one that is put back from a backup gets what it lacks', async () => {
  const folder = mkdtempSync(join(root, 't-'));
  await using stores = openStores(folder);
  await stores.append('p-1', deposited('CHF'));
  await using projector = stores.start({ views: [view] });
  await stores.caughtUp(view);
  const file = new Database(join(folder, 'views.db'));
  const tables = ['generations', 'view_test_sums_1'];
  for (const table of tables) file.exec(`CREATE TABLE saved_${table} AS SELECT * FROM ${table}`);
  await stores.append('p-1', deposited('CHF'));
  await stores.caughtUp(view);
  expect(await stores.documentOf(view, 'CHF')).toMatchObject({ deposits: 2 });
  for (const table of tables) {
    file.exec(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM saved_${table}`);
  }
  file.close();
  expect(await stores.documentOf(view, 'CHF')).toMatchObject({ deposits: 1 });
  await stores.caughtUp(view);
  expect(await stores.documentOf(view, 'CHF')).toMatchObject({ deposits: 2 });
  expect(projector.lastError()?.message).toContain('is behind what has been applied to it');
});
