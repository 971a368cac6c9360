import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { isRejection } from '../../../src/kernel/rejection.ts';
import { fingerprintOf } from '../../../src/projection/fingerprint.ts';
import type { View } from '../../../src/projection/kit.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { rates, sums, verified, worthView } from '../../support/derived-views.ts';
import { deposited, openStores } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();

function fresh() {
  const folder = mkdtempSync(join(root, 'd-'));
  const stores = openStores(folder);
  const edit = (sql: string) => {
    const file = new Database(join(folder, 'views.db'));
    file.exec(sql);
    file.close();
  };
  return { ...stores, edit };
}

type Stores = ReturnType<typeof fresh>;

const worthOf = async (stores: Stores, view: View, id: string) =>
  (await stores.documentOf(view, id))?.worth;

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a derived view', () => {
  test('follows the documents that it is of, and those that all rest on', async () => {
    await using stores = fresh();
    const computed: string[] = [];
    const view = worthView(computed);
    await using _projector = stores.start({ views: [sums, rates, view] });
    await stores.append('p-1', deposited('CHF'), deposited('USD'), deposited('USD'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(1);
    expect(await worthOf(stores, view, 'USD')).toBe(2);
    computed.length = 0;
    await stores.append('p-1', deposited('CHF'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(2);
    // The other one has nothing to do with it.
    expect(computed).toEqual(['CHF']);
    computed.length = 0;
    await stores.append('p-1', deposited('GBP', 'rate 3'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(6);
    expect(await worthOf(stores, view, 'USD')).toBe(6);
    expect(await worthOf(stores, view, 'GBP')).toBe(3);
    // With what was kept of them, but for the one that changed itself.
    expect([...computed].sort()).toEqual(expect.arrayContaining(['CHF again', 'GBP', 'USD again']));
  });

  test('says a position only when all that was due up to there is computed', async () => {
    await using stores = fresh();
    const view = worthView();
    await using _projector = stores.start({ views: [sums, rates, view] });
    for (let round = 1; round <= 30; round += 1) {
      const many = Array.from({ length: 40 }, (_, i) =>
        deposited(`C${i}`, i === 7 ? `rate ${round}` : ''),
      );
      await stores.append('p-1', ...many);
      await stores.caughtUp(view);
      for (const id of ['C0', 'C7', 'C39']) {
        expect(await worthOf(stores, view, id)).toBe(round * round);
      }
    }
  });

  test('goes on after a restart, with what has come meanwhile', async () => {
    await using stores = fresh();
    const view = worthView();
    {
      await using _projector = stores.start({ views: [sums, rates, view] });
      await stores.append('p-1', deposited('CHF'), deposited('USD'));
      await stores.caughtUp(view);
    }
    await stores.append('p-1', deposited('CHF', 'rate 5'));
    await using _projector = stores.start({ views: [sums, rates, view] });
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(10);
    expect(await worthOf(stores, view, 'USD')).toBe(5);
  });

  test('is built again, rolled back, and listed with what it is derived from', async () => {
    await using stores = fresh();
    const view = worthView();
    await using projector = stores.start({ views: [sums, rates, view] });
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await stores.caughtUp(view);
    const operations = createOperations(projector);
    const status = async () => {
      const list = (await operations.list()).projections;
      return list.find((one) => one.view === view.name);
    };
    for await (const step of operations.rebuild(
      { view: view.name, stream: '' } as never,
      callOf(operator),
    )) {
      expect(isRejection(step)).toBe(false);
    }
    expect(await status()).toMatchObject({
      ...{ generation: 2, documents: 2n, lagEvents: 0n, parkedDocuments: 0n },
      synchronisation: 'DERIVED of test_sums',
    });
    await stores.append('p-1', deposited('CHF', 'rate 2'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'USD')).toBe(2);
    expect(await operations.rollback({ view: view.name } as never)).toMatchObject({
      generation: 1,
    });
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'USD')).toBe(2);
    await stores.append('p-1', deposited('USD', 'rate 4'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'USD')).toBe(8);
  });

  test('is built anew when a view that it is derived from is another one', async () => {
    const other = { ...worthView() };
    const changed: View = { ...sums, version: 2 };
    const derived = other.derived as NonNullable<View['derived']>;
    const view: View = { ...other, derived: { ...derived, of: changed } };
    expect(fingerprintOf(view)).not.toBe(fingerprintOf(other));
  });

  test('verify finds what is not as it would be computed; the documents of a stream can be computed again', async () => {
    await using stores = fresh();
    const view = worthView();
    await using projector = stores.start({ views: [sums, rates, view] });
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await stores.append('p-2', deposited('GBP'));
    await stores.caughtUp(view);
    expect(await verified(projector, view)).toMatchObject({ done: true, documentsCompared: '3' });
    stores.edit(`UPDATE view_test_worths_1 SET document = '{"worth":77,"computed":"yes"}', f0 = 77
      WHERE id = 'CHF'`);
    expect(await verified(projector, view)).toMatchObject({ done: true, differences: '1' });
    const operations = createOperations(projector);
    for await (const step of operations.rebuild(
      { view: view.name, stream: 'p-1' } as never,
      callOf(operator),
    )) {
      expect(step).toMatchObject({ documents: ['CHF', 'USD'] });
    }
    expect(await worthOf(stores, view, 'CHF')).toBe(1);
    expect((await verified(projector, view)).differences).toBe(undefined);
  });

  test('what an operator puts right in an input comes through, at the same position', async () => {
    await using stores = fresh();
    const view = worthView();
    await using projector = stores.start({ views: [sums, rates, view] });
    await stores.append('p-1', deposited('CHF'), deposited('CHF'));
    await stores.caughtUp(view);
    stores.edit(
      `UPDATE view_test_sums_1 SET document = '{"deposits":9,"note":""}' WHERE id = 'CHF'`,
    );
    const operations = createOperations(projector);
    const again = async (name: string, stream: string) => {
      for await (const _ of operations.rebuild({ view: name, stream } as never, callOf(operator)));
    };
    await again(view.name, 'p-1');
    expect(await worthOf(stores, view, 'CHF')).toBe(9);
    await again(sums.name, 'p-1');
    await until(async () => (await worthOf(stores, view, 'CHF')) === 2);
    stores.edit(
      `UPDATE view_test_sums_1 SET document = '{"deposits":9,"note":""}' WHERE id = 'CHF'`,
    );
    await again(view.name, 'p-1');
    await again(sums.name, '');
    await until(async () => (await worthOf(stores, view, 'CHF')) === 2);
  });

  test('a document that cannot be computed is counted, and the others go on', async () => {
    await using stores = fresh();
    const broken = new Set(['CHF']);
    const view = worthView([], broken);
    await using projector = stores.start({ views: [sums, rates, view] });
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(undefined);
    expect(await worthOf(stores, view, 'USD')).toBe(1);
    const operations = createOperations(projector);
    const parked = async () =>
      (await operations.list()).projections.find((one) => one.view === view.name)?.parkedDocuments;
    expect(await parked()).toBe(1n);
    const retry = () => operations.retry({ view: view.name, documentId: '' } as never);
    expect(await retry()).toMatchObject({ applied: 0n, stillParked: 1n });
    const skipped = await operations.skip({ view: view.name, documentId: 'CHF' } as never);
    expect(skipped).toMatchObject({ code: 'VIEW_DERIVED' });
    broken.clear();
    expect(await retry()).toMatchObject({ applied: 1n, stillParked: 0n });
    expect(await worthOf(stores, view, 'CHF')).toBe(1);
    expect(await parked()).toBe(0n);
  });

  test('reads no shared document that what it is of does not name', async () => {
    await using stores = fresh();
    const view = worthView();
    const derived = { ...(view.derived as NonNullable<View['derived']>), subjects: () => ['JPY'] };
    await using projector = stores.start({ views: [sums, rates, { ...view, derived }] });
    await stores.append('p-1', deposited('CHF'));
    await stores.caughtUp(view);
    expect(await worthOf(stores, view, 'CHF')).toBe(undefined);
    const { projections } = await createOperations(projector).list();
    const status = projections.find((one) => one.view === view.name);
    expect(status?.parkedDocuments).toBe(1n);
  });

  test('has to have all views that it is derived from beside it', () => {
    const stores = fresh();
    const start = () => stores.start({ views: [sums, worthView()] });
    expect(start).toThrow('test_worths is derived from test_rates, which is not among the views');
  });
});
