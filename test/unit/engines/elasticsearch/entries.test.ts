import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  fromCheckpoint,
  fromHeartbeat,
  parkedEntryId,
  toCheckpointSource,
  toDocumentSource,
  toHeartbeatSource,
  toParked,
  toParkedSource,
  toStored,
} from '../../../../src/engines/elasticsearch/read-models/entries.ts';
import { inspectEntry } from '../../../../src/engines/elasticsearch/read-models/inspect.ts';
import {
  layoutOf,
  mappingOf,
  problemOfView,
} from '../../../../src/engines/elasticsearch/read-models/layout.ts';
import {
  checkpointId,
  fromIndex,
  indexOf,
  problemOfId,
  toEntryId,
} from '../../../../src/engines/elasticsearch/read-models/names.ts';
import {
  fromText,
  toText,
  toVersion,
} from '../../../../src/engines/elasticsearch/read-models/positions.ts';
import { problemOfDocument } from '../../../../src/engines/elasticsearch/read-models/values.ts';
import { position, start } from '../../../../src/kernel/position.ts';
import { schema } from '../../../support/read-models-shelf.ts';

const layout = layoutOf({ index: 'prefix-things-1', id: 'one' }, 'things', 1, schema);
const highest = 2n ** 63n - 1n;

describe('a position', () => {
  const numbers = fc.bigInt({ min: -1n, max: highest });

  test('is kept to the last digit', () => {
    fc.assert(
      fc.property(numbers, numbers, (commit, prepare) => {
        expect(fromText(toText({ commit, prepare }))).toEqual({ commit, prepare });
      }),
    );
    expect(toText(position(7n))).toBe('7');
    expect(toText(position(7n, 5n))).toBe('7/5');
    for (const text of ['', '7/', 'x', '1.5', undefined, 7]) expect(fromText(text)).toBeUndefined();
  });

  test('gives a version that Elasticsearch takes', () => {
    expect(toVersion(start)).toBe('0');
    expect(toVersion(position(0n))).toBe('0');
    expect(toVersion(position(highest, 1n))).toBe('9223372036854775807');
  });
});

describe('names', () => {
  test('of indexes are told from those of others', () => {
    expect(fromIndex('a', indexOf('a', 'trading_trades', 12))).toEqual({
      view: 'trading_trades',
      generation: 12,
    });
    for (const other of [
      'a-trades',
      'a-trades-kept',
      'a-b-trades-1',
      'ab-trades-1',
      'a-trades-1-x',
    ]) {
      expect(fromIndex('a', other)).toBeUndefined();
    }
  });

  test('of entries differ where ids do, and are never that of a checkpoint', () => {
    const ids = ['', '~', '~~', 'checkpoint', '~checkpoint', '~heartbeat', '~~checkpoint', 'a'];
    const names = [...ids.map(toEntryId), checkpointId];
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('');
    expect(parkedEntryId('a', position(1n))).not.toBe(parkedEntryId('a', position(1n, 0n)));
    expect(parkedEntryId('a'.repeat(512), position(1n)).length).toBeLessThan(512);
  });

  test('of documents that Elasticsearch cannot have are refused', () => {
    expect(problemOfId('é'.repeat(256))).toBeUndefined();
    expect(problemOfId('é'.repeat(257))).toBe('its id is longer than 512 bytes');
    expect(problemOfId('\ud800')).toBe('its id is not well-formed Unicode');
  });
});

describe('an entry', () => {
  const document = {
    title: 'Zürich "ﬁrst"',
    notes: 'The Łódź\nof <b>',
    price: '-1.50',
    quantity: 3,
    active: false,
    tags: ['x', 'y', 'x'],
    levels: ['10', '9.5'],
    extra: { deep: [null, { x: -0.5 }] },
    status: null,
  };
  const stored = { id: 'a"b', version: position(9n, 8n), document };

  test('of a document holds it, and what it is found by', () => {
    const { lines, ...source } = JSON.parse(toDocumentSource(layout, stored));
    expect(source).toEqual({
      k: 'd',
      id: 'a"b',
      at: '9/8',
      f: {
        title: 'zurich "ﬁrst"',
        price: '09884~',
        quantity: 3,
        active: false,
        tags: ['x', 'y'],
        levels: ['10210', '10195'],
      },
      words: ' zurich ﬁrst  the lodz of b ',
      doc: document,
    });
    expect(Buffer.from(lines, 'base64').toString()).toBe(' zurich ﬁrst | the lodz of b ');
    expect(toStored({ lines, ...source })).toEqual(stored);
    expect(inspectEntry(layout, { lines, ...source })).toBeUndefined();
  });

  test('of a deleted one holds its version', () => {
    const source = JSON.parse(toDocumentSource(layout, { ...stored, document: undefined }));
    expect(source).toEqual({ k: 'x', id: 'a"b', at: '9/8' });
    expect(toStored(source)).toEqual({ ...stored, document: undefined });
  });

  test('that somebody has changed is found out, field by field', () => {
    const source = JSON.parse(toDocumentSource(layout, stored));
    const { title: _, ...without } = source.f;
    const changed = {
      ...source,
      f: { ...without, price: '0988~', levels: ['10210'] },
      lines: Buffer.from(' zurich ﬁrst | lodz ').toString('base64'),
    };
    expect(inspectEntry(layout, changed)).toEqual({
      documentId: 'a"b',
      fields: [
        { field: 'title', indexed: undefined, expected: 'zurich "ﬁrst"' },
        { field: 'price', indexed: '-1', expected: '-1.5' },
        { field: 'levels', indexed: ['10'], expected: ['10', '9.5'] },
        { field: 'notes', indexed: 'lodz', expected: 'the lodz of b' },
      ],
    });
    const words = { ...source, words: 'zurich' };
    expect(inspectEntry(layout, words)?.fields).toEqual([
      { field: 'title', indexed: 'zurich', expected: source.words },
    ]);
  });

  test('that is not whole is a fault', () => {
    expect(() => toStored({ k: 'd', id: 'a', at: '1' })).toThrow('is not whole');
    expect(() => toStored({ k: 'd', id: 'a', doc: {} })).toThrow('is not whole');
    expect(toStored({ k: 'm', at: '1' })).toBeUndefined();
    expect(toStored(undefined)).toBeUndefined();
  });

  test('keeps a checkpoint, a heartbeat, a parked event', () => {
    const checkpoint = fromCheckpoint(JSON.parse(toCheckpointSource(position(highest), 5)));
    expect(checkpoint).toEqual({ position: position(highest), asOf: 5 });
    expect(fromCheckpoint(undefined)).toEqual({ position: start, asOf: 0 });
    for (const beat of [
      { at: 7, lagSeconds: 0.5, parkedDocuments: 0 },
      { at: 7, lagSeconds: 0, parkedDocuments: 3, lagEvents: 0 },
    ]) {
      expect(fromHeartbeat(JSON.parse(toHeartbeatSource(beat)))).toEqual(beat);
    }
    expect(fromHeartbeat(undefined)).toEqual({ at: 0, lagSeconds: 0, parkedDocuments: 0 });
    const event = {
      documentId: 'a',
      position: position(highest, 1n),
      stream: 'thing-a',
      revision: 3,
      type: 'T',
      error: 'no',
      attempts: 2,
      parkedAt: 1,
    };
    expect(toParked(JSON.parse(toParkedSource(event)))).toEqual(event);
  });
});

describe('a schema', () => {
  test('becomes a strict mapping', () => {
    const mapping = mappingOf(layout);
    expect(mapping.dynamic).toBe('strict');
    expect(mapping.properties?.f).toEqual({
      type: 'object',
      dynamic: 'strict',
      properties: {
        owner: { type: 'keyword' },
        title: { type: 'keyword' },
        price: { type: 'keyword' },
        quantity: { type: 'long' },
        at: { type: 'long' },
        active: { type: 'boolean' },
        status: { type: 'keyword' },
        tags: { type: 'keyword' },
        levels: { type: 'keyword' },
      },
    });
    const plain = layoutOf({ index: 'i', id: 'one' }, 'v', 1, {
      owner: { kind: 'keyword', filter: true },
    });
    expect(Object.keys(mappingOf(plain).properties ?? {})).toEqual([
      'k',
      'id',
      'at',
      'doc',
      'meta',
      'f',
    ]);
  });

  test('that this engine cannot have is refused', () => {
    expect(problemOfView('things', schema)).toBeUndefined();
    expect(problemOfView('My-things', schema)).toMatch(/name of the view "My-things"/);
    const text = { kind: 'text', filter: true } as const;
    expect(problemOfView('v', { a: text })).toMatch(/cannot be filtered/);
    expect(problemOfView('v', { 'a.b': { kind: 'keyword' } })).toMatch(/name that is not allowed/);
    expect(problemOfView('v', { a: { kind: 'keyword', many: true, sort: true } })).toMatch(
      /sorted/,
    );
    expect(problemOfView('v', { a: { kind: 'decimal', search: 1 } })).toMatch(/searched/);
    expect(problemOfView('v', { a: { kind: 'integer', facet: true } })).toMatch(/facets/);
  });

  test('is kept by documents: a term that Lucene does not take is refused before', () => {
    const long = 'ß'.repeat(20_000);
    expect(problemOfDocument(layout, { title: long })).toMatch(
      /"title" is longer than 32766 bytes/,
    );
    expect(problemOfDocument(layout, { notes: long })).toBeUndefined();
    expect(problemOfDocument(layout, { owner: 'x'.repeat(32_766) })).toBeUndefined();
    expect(problemOfDocument(layout, { tags: ['a', 'x'.repeat(32_767)] })).toMatch(/"tags"/);
  });
});
