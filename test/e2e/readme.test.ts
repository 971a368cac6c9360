import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import {
  bashBlocks,
  followTour,
  linksOf,
  namesIn,
  readDocument,
  root,
} from '../support/pasting.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The README is true: its tour is pasted into a shell, block by block, and says what it shows.

jest.setTimeout(180_000);

const readme = readDocument('README.md');
const folder = temporaryFolder();

test('the tour, as pasted, through a stop and a new start', async () => {
  const tour = bashBlocks(readme).filter(({ marks }) => marks.includes('tour'));
  expect(tour.length).toBeGreaterThan(8);
  expect(tour.findIndex(({ marks }) => marks.includes('restarted'))).toBe(tour.length - 1);
  await followTour(readme, folder);
});

describe('what it names', () => {
  test('is there: the scripts of package.json', () => {
    const { scripts } = JSON.parse(readDocument('package.json'));
    expect(bashBlocks(readme).map(({ code }) => code.trim())).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']),
    );
    const named = [...readme.matchAll(/\bnpm (?:run (?:-s )?([\w:]+)|(start|test))\b/g)];
    for (const [, run, own] of named) expect(Object.keys(scripts)).toContain(run ?? own);
    expect(readDocument('.ci/run')).toMatch(/^npm run check$/m);
    expect(scripts.check).toMatch(/&& npm test$/);
  });

  test('is there: folders and documents', () => {
    const folders = namesIn(readme, '## Where things are', /`([^`]+)`/g);
    expect(folders.length).toBeGreaterThan(8);
    for (const path of [...folders, ...linksOf(readme)]) {
      const place = path.replace('<context>', 'trading');
      expect({ path, exists: existsSync(join(root, place)) }).toEqual({ path, exists: true });
    }
  });
});

test('no line of it is longer than 100 columns, and none that it shows than 80', () => {
  expect(readme.split('\n').filter((line) => [...line].length > 100)).toEqual([]);
  const shown = bashBlocks(readme).flatMap((block) => block.shown.split('\n'));
  expect(shown.filter((line) => [...line].length > 80)).toEqual([]);
});
