import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { readConfig } from '../../src/config/config.ts';
import {
  anchorsOf,
  bashBlocks,
  followTour,
  linksOf,
  namesIn,
  readDocument,
  root,
} from '../support/pasting.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { alerts, compose } from '../unit/deploy/deployment.ts';

// The operating guide is true: what it says to type works, a backup and its restoring included.

jest.setTimeout(180_000);

const guide = readDocument('docs/operations.md');
const secretsMaker = readDocument('deploy/make-secrets.sh');
const folder = temporaryFolder();
const blocks = bashBlocks(guide);
const pasted = blocks.filter(({ marks }) => marks.includes('tour'));

test('the commands of the guide, as pasted', async () => {
  expect(pasted.filter(({ marks }) => marks.includes('stopped')).length).toBeGreaterThan(1);
  await followTour(guide, folder);
});

describe('what it names is there', () => {
  test('every variable of the configuration, and no other', () => {
    const read = new Set<string>();
    const environment = new Proxy({} as NodeJS.ProcessEnv, {
      get: (_, name) => {
        read.add(String(name));
      },
    });
    readConfig(environment);
    const named = namesIn(guide, '## Every variable', /`([A-Z_]+)`/g);
    expect(named.toSorted()).toEqual([...read].toSorted());
  });

  test('every alert, and no other', () => {
    const named = namesIn(guide, '## What to watch', /`([A-Z][a-z]\w+)`/g);
    expect(named.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  test('what is not pasted needs containers, or is a server of its own', () => {
    for (const { code, marks } of blocks) {
      if (marks.includes('tour')) continue;
      const commands = code.trim().split(/\n(?! )/);
      for (const command of commands) {
        const program = command.split(' ')[0] ?? '';
        if (program.includes('/')) expect(existsSync(join(root, program))).toBe(true);
        else expect(command).toMatch(/^(docker compose|echo [A-Z_]+=\S+ >>\.env$)/);
        const form = /docker compose (?:exec|run)(?: (?:-\S+|bash))* ([a-z][\w-]*)/g;
        for (const [, service = ''] of command.matchAll(form)) {
          expect(compose.services).toHaveProperty([service]);
        }
      }
    }
  });

  test('the rows of the benchmarks that it sends to', () => {
    const sent = [...guide.matchAll(/`npm run bench -- ([^`]+)`/g)].map(([, words = '']) => words);
    expect(sent.length).toBeGreaterThan(3);
    const rows = readdirSync(join(root, 'bench/rows'))
      .flatMap((file) => readDocument(`bench/rows/${file}`).match(/'[^'\n]+'/g) ?? [])
      .map((text) => text.toLowerCase());
    for (const words of sent) {
      const isThere = rows.some((row) => words.split(' ').every((word) => row.includes(word)));
      expect({ words, isThere }).toEqual({ words, isThere: true });
    }
  });

  test('files and sections', () => {
    for (const path of linksOf(guide)) {
      expect({ path, exists: existsSync(join(root, 'docs', path)) }).toEqual({
        path,
        exists: true,
      });
    }
    const { linked, there } = anchorsOf(guide);
    expect(linked.length).toBeGreaterThan(10);
    expect(there).toEqual(expect.arrayContaining(linked));
    const files = [...guide.matchAll(/`((?:deploy|cmd|src)\/[\w./-]+)`/g)];
    for (const [, file = ''] of files) {
      if (file.startsWith('deploy/secrets/')) {
        // Secrets are never in the repository; the script that the guide names makes them.
        expect(secretsMaker).toContain(`make ${basename(file)} `);
        continue;
      }
      expect({ file, exists: existsSync(join(root, file)) }).toEqual({ file, exists: true });
    }
  });
});
