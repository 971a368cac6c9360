import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import {
  type VerifyProjectionResponse,
  VerifyProjectionResponseSchema,
} from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import type { Projector } from '../../../src/projection/projector.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const root = temporaryFolder();
const view = sumsView({
  schema: { deposits: { kind: 'integer', sort: true }, note: { kind: 'keyword', search: 1 } },
});
const currencies = ['CHF', 'EUR', 'GBP', 'USD'];

/** Stores with a document per currency, and a second hand on the file of the read models. */
async function fresh() {
  const folder = mkdtempSync(join(root, 'v-'));
  const stores = openStores(folder);
  for (const currency of currencies) await stores.append('p-1', deposited(currency, 'paid in'));
  const edit = (sql: string) => {
    const file = new Database(join(folder, 'views.db'));
    file.exec(sql);
    file.close();
  };
  return { ...stores, edit };
}

async function verify(projector: Projector) {
  const operations = createOperations(projector);
  let last: unknown;
  for await (const step of operations.verify({ view: view.name } as never, callOf(operator))) {
    last = step;
  }
  return last;
}

const told = (last: unknown) =>
  toJson(VerifyProjectionResponseSchema, last as VerifyProjectionResponse);

describe('verify', () => {
  test('names the fields that a document is found by wrongly', async () => {
    await using stores = await fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    expect(await verify(projector)).toMatchObject({ done: true, differences: 0n });
    stores.edit(`UPDATE view_test_sums_1 SET f0 = 99 WHERE id = 'EUR'`);
    stores.edit(`UPDATE view_test_sums_1_texts SET words = ' stolen ' WHERE id = 'USD'`);
    const document = JSON.stringify({ deposits: 7, note: 'paid in' });
    stores.edit(`UPDATE view_test_sums_1 SET document = '${document}' WHERE id = 'CHF'`);
    const kind = 'DIFFERENCE_KIND_CHANGED';
    const found = told(await verify(projector));
    expect(found).toMatchObject({ done: true, differences: '3', documentsCompared: '4' });
    expect((found as { documents: unknown }).documents).toEqual([
      // Of a field that is wrong itself, no word on what it is found by.
      { documentId: 'CHF', kind, fields: [{ field: 'deposits', live: 7, replayed: 1 }] },
      { documentId: 'EUR', kind, fields: [{ field: 'deposits (index)', live: 99, replayed: 1 }] },
      {
        documentId: 'USD',
        kind,
        fields: [{ field: 'note (index)', live: 'stolen', replayed: 'paid in' }],
      },
    ]);
  });

  test('names a document that says it is later than what has been applied to it', async () => {
    await using stores = await fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    stores.edit(`UPDATE view_test_sums_1 SET commit_at = commit_at + 1000000 WHERE id = 'EUR'`);
    expect(told(await verify(projector))).toMatchObject({
      differences: '1',
      documents: [{ documentId: 'EUR', fields: [{ field: '(position)', live: '1000002' }] }],
    });
    await stores.append('p-1', deposited('USD', 'paid in'));
    await stores.caughtUp(view);
    expect(told(await verify(projector))).toMatchObject({ differences: '1' });
  });

  test('names a field that was taken away, and one that was added', async () => {
    await using stores = await fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const table = 'view_test_sums_1';
    stores.edit(`UPDATE ${table} SET document = json_remove(document, '$.note') WHERE id = 'CHF'`);
    stores.edit(
      `UPDATE ${table} SET document = json_set(document, '$.more', null) WHERE id = 'EUR'`,
    );
    stores.edit(`UPDATE ${table} SET f0 = NULL WHERE id = 'GBP'`);
    const kind = 'DIFFERENCE_KIND_CHANGED';
    expect(told(await verify(projector))).toMatchObject({
      differences: '3',
      documents: [
        { documentId: 'CHF', kind, fields: [{ field: 'note', replayed: 'paid in' }] },
        { documentId: 'EUR', kind, fields: [{ field: 'more', live: null }] },
        { documentId: 'GBP', kind, fields: [{ field: 'deposits (index)', replayed: 1 }] },
      ],
    });
  });

  test('names what is no document at all; its next event is parked, until it is built again', async () => {
    await using stores = await fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    stores.edit(`UPDATE view_test_sums_1 SET document = '{"deposits":' WHERE id = 'EUR'`);
    const live = 'what is stored is not a JSON object';
    const replayed = { deposits: 1, note: 'paid in' };
    const fields = [{ field: '(document)', live, replayed }];
    const EUR = { documentId: 'EUR', kind: 'DIFFERENCE_KIND_CHANGED', fields };
    expect(told(await verify(projector))).toMatchObject({ differences: '1', documents: [EUR] });

    await stores.append('p-2', deposited('EUR', 'again'), deposited('USD', 'again'));
    await stores.caughtUp(view);
    expect(await stores.documentOf(view, 'USD')).toEqual({ deposits: 2, note: 'again' });
    const operations = createOperations(projector);
    const call = callOf(operator);
    const parked = await operations.parked({ view: view.name } as never);
    expect(parked).toMatchObject({ events: [{ documentId: 'EUR', error: live }] });

    const rebuild = operations.rebuild({ view: view.name, stream: 'p-2' } as never, call);
    for await (const step of rebuild) expect(step).toMatchObject({ documents: ['EUR', 'USD'] });
    expect(await stores.documentOf(view, 'EUR')).toEqual({ deposits: 2, note: 'again' });
    expect(await verify(projector)).toMatchObject({ done: true, differences: 0n });
  });

  test('finds nothing while every document changes all the time', async () => {
    await using stores = await fresh();
    await using projector = stores.start({ views: [view] });
    await stores.caughtUp(view);
    const load = { goesOn: true };
    const writing = (async () => {
      for (let i = 0; load.goesOn; i += 1) {
        await stores.append('p-2', ...currencies.map((one) => deposited(one, `number ${i}`)));
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      expect(await verify(projector)).toMatchObject({ done: true, differences: 0n });
    }
    load.goesOn = false;
    await writing;
    await stores.caughtUp(view);
    stores.edit(`UPDATE view_test_sums_1 SET f0 = NULL WHERE id = 'GBP'`);
    expect(await verify(projector)).toMatchObject({ differences: 1n });
  });

  test('ends with a word where another generation goes live meanwhile', async () => {
    await using stores = await fresh();
    const store = { ...stores.store };
    await using projector = stores.start({ views: [view], store });
    await stores.caughtUp(view);
    const [lane] = projector.lanes;
    if (lane === undefined) throw new Error('no lane');
    let isRebuilt = false;
    store.inspect = async function* (ref, ids) {
      if (!isRebuilt) {
        isRebuilt = true;
        await (await projector.generations.rebuild(lane, projector.stopping)).finished;
        await stores.append('p-2', deposited('USD'));
        await stores.caughtUp(view);
      }
      yield* stores.store.inspect(ref, ids);
    };
    expect(await verify(projector)).toMatchObject({ code: 'GENERATION_CHANGED' });
    expect(await verify(projector)).toMatchObject({ done: true, differences: 0n });
  });
});
