import { describe, expect, test } from '@jest/globals';
import {
  isSoftDeleted,
  readMetadata,
  softDeletion,
  withTruncateBefore,
} from '../../../src/event-store/stream-metadata.ts';

const bytes = (text: string) => Buffer.from(text);
const read = (text: string) => readMetadata('order-1', bytes(text));

describe('metadata of a stream', () => {
  test('are what EventStoreDB knows of', () => {
    const acl = '{"$r":"ada","$w":["$admins","bob"],"$d":[],"$mr":"$all","$mw":"eve"}';
    const text = `{"$maxCount":3,"$maxAge":60,"$tb":5,"$cacheControl":1,"$acl":${acl},"own":1}`;

    expect(read(text)).toEqual({
      maxCount: 3,
      maxAgeSeconds: 60,
      truncateBefore: 5,
      acl: {
        read: ['ada'],
        write: ['$admins', 'bob'],
        delete: [],
        metadataRead: ['$all'],
        metadataWrite: ['eve'],
      },
    });
  });

  test.each(['', 'null', '[]', '"$tb"', '{', '{"$tb":1.5}', '{"$maxCount":0}', '{"$acl":[]}'])(
    'that make no sense are none: %s',
    (text) => {
      expect(read(text)).toEqual({});
    },
  );

  test('of a metadata stream are fixed', () => {
    expect(readMetadata('$$order-1', bytes('{"$tb":7}'))).toEqual({ maxCount: 1 });
  });

  test('say that a stream is deleted by a number that no double holds', () => {
    expect(isSoftDeleted(read(softDeletion))).toBe(true);
    expect(isSoftDeleted(read(`{"$tb":${Number.MAX_SAFE_INTEGER}}`))).toBe(false);
    expect(isSoftDeleted(read('{}'))).toBe(false);
  });
});

test.each([
  ['{"$maxCount":1,"$tb":9223372036854775807,"own":[1]}', '{"$maxCount":1,"$tb":4,"own":[1]}'],
  ['{"own":true}', '{"own":true,"$tb":4}'],
  ['no JSON', '{"$tb":4}'],
])('a stream that comes back has %s as %s', (before, after) => {
  expect(withTruncateBefore(bytes(before), 4).toString()).toBe(after);
  expect(withTruncateBefore(undefined, 4).toString()).toBe('{"$tb":4}');
});
