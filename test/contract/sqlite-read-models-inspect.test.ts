import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createSqliteReadModelStore } from '../../src/engines/sqlite/read-models.ts';
import type { GenerationRef, Misindexed } from '../../src/projection/read-model-store.ts';
import { at, batchOf, fingerprint } from '../support/read-models-batches.ts';
import { newView } from '../support/read-models-shelf.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Somebody writes into the file beside the store: what follows from no document is found.

const path = join(temporaryFolder(), 'views.db');
const store = createSqliteReadModelStore({ path });
const byHand = new Database(path);
afterAll(async () => {
  byHand.close();
  await store[Symbol.asyncDispose]();
});

const document = {
  ...{ owner: 'Ann', title: 'Große Straße', notes: 'one two two three', price: '-1.50' },
  ...{ quantity: 7, at: 1_700_000_000_000, active: true, status: 'OPEN' },
  ...{ tags: ['b', 'a', 'a'], levels: ['1.0', '10'], extra: { deep: [1] } },
};

/** A view with three documents alike, and the tables that they are in. */
async function filled() {
  const view = newView();
  const ref: GenerationRef = { view, generation: 1 };
  await store.open(ref, fingerprint);
  const documents = ['before', 'edited', 'behind'].map((id) => {
    return { id, version: at(1), document };
  });
  await store.apply([{ ref, batch: batchOf(documents) }]);
  const base = `view_${view.name}_1`;
  const column = (name: string) => `f${Object.keys(view.schema).indexOf(name)}`;
  const row = byHand.prepare(`SELECT row FROM ${base} WHERE id = 'edited'`).pluck().get() as number;
  return { ref, base, column, row, run: (sql: string) => byHand.prepare(sql).run() };
}

async function inspected(ref: GenerationRef, ids?: readonly string[]) {
  const found: Misindexed[] = [];
  for await (const one of store.inspect(ref, ids)) found.push(one);
  return found;
}

const edited = (field: string, indexed: unknown, expected: unknown) => [
  { documentId: 'edited', fields: [{ field, indexed, expected }] },
];

describe('an index that was changed by hand', () => {
  test.each([
    ['owner', "'Bob'", 'Bob', 'Ann'],
    ['owner', 'NULL', undefined, 'Ann'],
    ['owner', "X'00ff'", '0x00ff', 'Ann'],
    ['price', "'10210'", '10', '-1.5'],
    ['price', "'cheap'", 'cheap', '-1.5'],
    ['quantity', '8', 8, 7],
    ['quantity', '9e999', 'Infinity', 7],
    ['at', '1', 1, 1_700_000_000_000],
    ['active', '0', false, true],
  ])('a column: %s = %s', async (field, value, indexed, expected) => {
    const { ref, base, column, run } = await filled();
    expect(await inspected(ref)).toEqual([]);
    run(`UPDATE ${base} SET ${column(field)} = ${value} WHERE id = 'edited'`);
    expect(await inspected(ref)).toEqual(edited(field, indexed, expected));
    expect(await inspected(ref, ['before', 'edited'])).toEqual(await inspected(ref));
    expect(await inspected(ref, ['before', 'behind'])).toEqual([]);
  });

  test('the document alone: every field that it changes, and no other', async () => {
    const { ref, base, run } = await filled();
    const other = { ...document, title: 'Neue', tags: ['a'], extra: {}, quantity: null };
    run(`UPDATE ${base} SET document = '${JSON.stringify(other)}' WHERE id = 'edited'`);
    const [found] = await inspected(ref);
    expect(found?.fields).toEqual([
      { field: 'title', indexed: 'grosse strasse', expected: 'neue' },
      { field: 'quantity', indexed: 7, expected: undefined },
      { field: 'tags', indexed: ['a', 'b'], expected: ['a'] },
    ]);
  });

  test('the elements of a field with many', async () => {
    const { ref, base, column, row, run } = await filled();
    const field = column('levels').slice(1);
    run(`DELETE FROM ${base}_many WHERE row = ${row} AND field = ${field} AND value LIKE '102%'`);
    expect(await inspected(ref)).toEqual(edited('levels', ['1'], ['1', '10']));
    run(`INSERT INTO ${base}_many VALUES (${row}, ${field}, '10210'), (${row}, ${field}, '10199')`);
    expect(await inspected(ref)).toEqual(edited('levels', ['1', '9.9', '10'], ['1', '10']));
  });

  test('the words that a match is told by, and the labels of facets', async () => {
    const { ref, base, column, row, run } = await filled();
    const texts = `${base}_texts`;
    run(`UPDATE ${texts} SET words = replace(words, ' two two', ' two') WHERE row = ${row}`);
    expect(await inspected(ref)).toEqual(edited('notes', 'one two three', 'one two two three'));
    run(`UPDATE ${texts} SET words = (SELECT words FROM ${texts} WHERE row <> ${row})`);
    run(`UPDATE ${texts} SET ${column('status')} = 'SHUT' WHERE row = ${row}`);
    expect(await inspected(ref)).toEqual(edited('status', 'SHUT', 'OPEN'));
    run(`DELETE FROM ${texts} WHERE row = ${row}`);
    const [found] = await inspected(ref);
    const names = ['title', 'notes', 'active', 'status', 'tags', 'id'];
    expect(found?.fields.map(({ field }) => field)).toEqual(names);
  });

  test('the entries of the full-text index', async () => {
    const { ref, base, row, run } = await filled();
    const words = `${base}_words`;
    const put = (text: string) => {
      run(`DELETE FROM ${words} WHERE rowid = ${row}`);
      run(`INSERT INTO ${words} (rowid, words) VALUES (${row}, '${text}')`);
    };
    put('grosse strasse one two two');
    expect(await inspected(ref)).toEqual(edited('notes', 'one two two', 'one two two three'));
    put('grosse strasse one two two three more');
    const fields = ['title', 'notes'].map((field) => {
      return { field, indexed: '7 words', expected: '6 words' };
    });
    expect(await inspected(ref)).toEqual([{ documentId: 'edited', fields }]);
    put('grosse strasse one two two three');
    expect(await inspected(ref)).toEqual([]);
    run(`DELETE FROM ${words} WHERE rowid = ${row}`);
    expect((await inspected(ref))[0]?.fields.map(({ field }) => field)).toEqual(['title', 'notes']);
  });

  test('a word that typing errors are corrected to', async () => {
    const { ref, base, run } = await filled();
    run(`DELETE FROM ${base}_terms WHERE term = 'strasse'`);
    const fields = [{ field: 'title', indexed: 'grosse', expected: 'grosse strasse' }];
    expect(await inspected(ref, ['edited'])).toEqual([{ documentId: 'edited', fields }]);
  });

  test('a write puts it right', async () => {
    const { ref, base, column, run } = await filled();
    run(`UPDATE ${base} SET ${column('owner')} = 'Bob' WHERE id = 'edited'`);
    const documents = [{ id: 'edited', version: at(2), document }];
    await store.apply([{ ref, batch: batchOf(documents) }]);
    expect(await inspected(ref)).toEqual([]);
  });
});
