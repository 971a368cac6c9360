import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBlock, encodeBlock } from '../../../../src/engines/eventstoredb/command-blocks.ts';
import {
  commandKey,
  createCommandTable,
} from '../../../../src/engines/eventstoredb/command-table.ts';
import { position } from '../../../../src/kernel/position.ts';

const keys = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
const entries = fc.array(fc.record({ key: keys, revision: fc.nat() }), { maxLength: 300 });

test('a table gives every revision of a key, whatever else is in it', () => {
  fc.assert(
    fc.property(entries, (all) => {
      const table = createCommandTable();
      for (const { key, revision } of all) table.add(key, revision);
      expect(table.size()).toBe(all.length);
      for (const { key } of all) {
        const own = all.filter((entry) => entry.key === key).map(({ revision }) => revision);
        expect(table.revisionsOf(key)).toEqual(own.sort((a, b) => a - b));
      }
      expect(table.revisionsOf(2 ** 48)).toEqual([]);
    }),
  );
});

test('a block is read as it was written', () => {
  const spread = fc.nat({ max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.nat(), entries, spread, (from, all, length) => {
      const block = {
        from,
        through: from + length,
        entries: all.map(({ key, revision }) => ({ key, revision: from + (revision % 2 ** 32) })),
      };
      const event = {
        ...encodeBlock('order-1', block),
        ...{ stream: 'command-index-order-1', revision: 0, position: position(1n), storedAt: 0 },
      };
      expect(decodeBlock(event)).toEqual(block);
    }),
  );
});

test('a key is a whole number of 48 bits', () => {
  fc.assert(
    fc.property(fc.string(), (id) => {
      const key = commandKey(id);
      expect(Number.isSafeInteger(key) && key >= 0 && key < 2 ** 48).toBe(true);
    }),
  );
});
