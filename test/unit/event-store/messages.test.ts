import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gossip } from '../../../src/event-store/gossip.ts';
import {
  identifierOf,
  streamNameOf,
  toRevision,
  uuidMessage,
  uuidOf,
} from '../../../src/event-store/messages.ts';

describe('an id', () => {
  test('is the same after a way as text, or as two halves', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (id, isStructured) => {
        expect(uuidOf(uuidMessage(id, isStructured))).toBe(id);
      }),
    );
  });

  test('is in lower case', () => {
    const message = new sharedPb.UUID().setString('F0E1D2C3-B4A5-4697-8877-665544332211');

    expect(uuidOf(message)).toBe('f0e1d2c3-b4a5-4697-8877-665544332211');
  });

  test.each([undefined, '', 'f0e1d2c3', 'g0e1d2c3-b4a5-4697-8877-665544332211'])(
    'is refused where it is none: %s',
    (text) => {
      const message = text === undefined ? undefined : new sharedPb.UUID().setString(text);

      expect(() => uuidOf(message)).toThrow();
    },
  );
});

describe('the name of a stream', () => {
  test('may be any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 3 }), (name) => {
        fc.pre(name.isWellFormed());
        expect(streamNameOf(identifierOf(name))).toBe(name);
      }),
    );
  });

  test.each(['', '$$'])('is refused where it is none: "%s"', (name) => {
    expect(() => streamNameOf(identifierOf(name))).toThrow('is not the name of a stream');
  });
});

test('revisions beyond what a number holds are beyond the end', () => {
  expect(toRevision('7')).toBe(7);
  expect(toRevision('9223372036854775807')).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([
  ['localhost:2113', 'localhost', 2113],
  ['events.example', 'events.example', 2113],
  ['127.0.0.1:80', '127.0.0.1', 80],
  ['[::1]:2114', '::1', 2114],
])('a node reached at %s is the leader there', (reached, address, port) => {
  const [member] = gossip('f0e1d2c3-b4a5-4697-8877-665544332211', reached).getMembersList();

  expect(member?.getHttpEndPoint()?.toObject()).toEqual({ address, port });
});
