import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparePositions, position, start } from '../../../src/kernel/position.ts';
import { fromToken, toToken } from '../../../src/kernel/token.ts';

const anyPosition = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }))
  .map(([commit, prepare]) => position(commit, prepare));

describe('consistency tokens', () => {
  test('name every position, and only it', () => {
    fc.assert(
      fc.property(anyPosition, (at) => {
        expect(fromToken(toToken(at))).toEqual(at);
      }),
    );
    expect(toToken(start)).toBe('');
    expect(fromToken('')).toEqual(start);
  });

  test.each([
    'v1',
    'v1.',
    'v2.5',
    'v1.-1',
    'v1.A',
    'v1.1.2.3',
    `v1.${'z'.repeat(14)}`,
    'x',
    ' v1.5',
  ])('anything else is none: %s', (text) => {
    expect(fromToken(text)).toBeUndefined();
  });

  test('positions are ordered by commit, then prepare', () => {
    const sorted = [start, position(1n, 1n), position(1n, 2n), position(2n, 0n)];
    expect([...sorted].reverse().sort(comparePositions)).toEqual(sorted);
  });
});
