import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { completeLock, type Lock } from '../../scripts/complete-lock.ts';

const file = resolve(import.meta.dirname, '../../package-lock.json');
const lock: Lock = JSON.parse(readFileSync(file, 'utf8'));

describe('package-lock.json', () => {
  test('has the packages of every platform: `npm ci` fails without them', () => {
    expect(completeLock(lock).added).toEqual([]);
  });

  test('is completed where npm has written those of one platform alone', () => {
    const isForeign = ([, { os, cpu, libc }]: [string, Lock['packages'][string]]) =>
      os !== undefined && !(os.includes('linux') && cpu?.includes('x64') && libc?.[0] !== 'musl');
    const entries = Object.entries(lock.packages);
    const foreign = entries.filter(isForeign);
    expect(foreign.length).toBeGreaterThan(50);
    const short = entries.filter((entry) => !isForeign(entry));
    const completed = completeLock({ ...lock, packages: Object.fromEntries(short) });
    expect(completed.added).toHaveLength(foreign.length);
    expect(Object.keys(completed.lock.packages)).toEqual(Object.keys(lock.packages));
    for (const [path, { version, os, cpu, dev }] of foreign) {
      const entry = completed.lock.packages[path];
      expect({ path, ...entry }).toMatchObject({ path, version, os, cpu, optional: true });
      expect({ path, dev: entry?.dev }).toEqual({ path, dev });
    }
  });

  test('stays as it is where a package is missing for another reason', () => {
    const root = { '': { optionalDependencies: { 'left-out': '^1.0.0' } } };
    expect(() => completeLock({ packages: root })).toThrow('left-out@^1.0.0 is missing');
  });
});
