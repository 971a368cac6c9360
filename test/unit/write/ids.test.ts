import { describe, expect, test } from '@jest/globals';
import { deriveUuid, newUuid } from '../../../src/write/ids.ts';

describe('ids', () => {
  test('a derived id is a version 5 UUID, the same every time, apart for other names', () => {
    const id = deriveUuid('strategy', 'a/b');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(deriveUuid('strategy', 'a/b')).toBe(id);
    expect(deriveUuid('strategy', 'a/c')).not.toBe(id);
    expect(deriveUuid('strategya', '/b')).not.toBe(id);
  });

  test('a new id is a version 7 UUID whose order is that of time', () => {
    const early = newUuid(1_700_000_000_000);
    expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(newUuid(1_700_000_000_001) > early).toBe(true);
    expect(newUuid(1_700_000_000_000)).not.toBe(early);
  });
});
