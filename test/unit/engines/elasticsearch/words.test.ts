import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  askedWords,
  isMetBy,
  isNear,
} from '../../../../src/engines/elasticsearch/read-models/words-asked.ts';
import { nearIn } from '../../../../src/engines/sqlite/read-models/spelling.ts';

const letters = fc.string({ unit: fc.constantFrom(...'abcd'), maxLength: 9 });

describe('words', () => {
  test('are as near to one another as the embedded engine says', () => {
    fc.assert(
      fc.property(letters, letters, fc.constantFrom(1, 2), (term, word, most) => {
        expect(isNear(term, word, most)).toBe(nearIn([term], word, most).length === 1);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['trand', 'trend', true],
    ['ternd', 'trend', true],
    ['tren', 'trend', true],
    ['trend', 'trendy', true],
    ['usc', 'usd', false],
    ['bekout', 'breakout', false],
    ['momemtun', 'momentum', true],
    ['mom', 'momentum', true],
    ['entum', 'momentum', false],
  ])('"%s" meets "%s": %s', (asked, word, met) => {
    const [one] = askedWords(asked);
    expect(one !== undefined && isMetBy(one, word)).toBe(met);
  });

  test('of a question are told apart, at most sixteen, each with its errors', () => {
    expect(askedWords('Beta bêta abc alphabet')).toEqual([
      { word: 'beta', errors: 1 },
      { word: 'abc', errors: 0 },
      { word: 'alphabet', errors: 2 },
    ]);
    expect(askedWords(Array.from({ length: 20 }, (_, i) => `w${i}`).join(' '))).toHaveLength(16);
  });
});
