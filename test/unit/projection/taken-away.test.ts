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
