import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const page = read('docs/event-store-protocol.md');

/** What the page names: the words of tests, by the file that has them. */
function references(): [file: string, words: string][] {
  return [...page.matchAll(/\b(\w+): ((?:"[^"]+"(?:,\s)?)+)/g)].flatMap(
    ([, file = '', list = '']) =>
      [...list.matchAll(/"([^"]+)"/g)].map(([, words = '']): [string, string] => [
        file,
        words.replace(/\s+/g, ' '),
      ]),
  );
}

function sourceOf(file: string): string {
  if (file === 'python') return read('test/engines/esdbclient_test.py');
  if (file !== 'unit') return read(`test/e2e/event-store-${file}.test.ts`);
  const folder = 'test/unit/event-store';
  return readdirSync(resolve(root, folder))
    .map((name) => read(`${folder}/${name}`))
    .join('\n');
}

test.each(references())('there is a test: %s: "%s"', (file, words) => {
  // The names of tests in the sources, without the line breaks of the formatter.
  expect(sourceOf(file).replaceAll("\\'", "'")).toContain(words);
});

test('there are many', () => {
  expect(references().length).toBeGreaterThan(70);
});

describe('every field of a request is named', () => {
  const { AppendReq, BatchAppendReq, ReadReq, DeleteReq, TombstoneReq } = streamsPb;
  const messages: readonly { readonly prototype: object }[] = [
    ...[AppendReq, AppendReq.Options, AppendReq.ProposedMessage],
    ...[BatchAppendReq, BatchAppendReq.Options, BatchAppendReq.ProposedMessage],
    ...[ReadReq, ReadReq.Options, ReadReq.Options.StreamOptions, ReadReq.Options.AllOptions],
    ...[ReadReq.Options.Position, ReadReq.Options.FilterOptions],
    ...[ReadReq.Options.FilterOptions.Expression, ReadReq.Options.UUIDOption],
    ...[ReadReq.Options.ControlOption, DeleteReq, DeleteReq.Options],
    ...[TombstoneReq, TombstoneReq.Options],
  ];
  const fields = messages.flatMap(({ prototype }) =>
    Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const [, field] = /^set([A-Z]\w*?)(?:List)?$/.exec(name) ?? [];
      return field === undefined ? [] : [field.toLowerCase()];
    }),
  );
  const named = new Set(
    [...page.matchAll(/`([\w$]+)`/g)].map(([, word = '']) =>
      word.replaceAll('_', '').toLowerCase(),
    ),
  );

  test.each([...new Set([...fields, 'metadata'])])('%s', (field) => {
    expect([...named]).toContain(field);
  });
});
