import { existsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { importsOf } from '../../support/import-rules.ts';
import { readText, root } from './deployment.ts';

// The image has what its programs import: nothing builds it before it is wanted.

const dockerfile = readText('Dockerfile');
const manifest = JSON.parse(readText('package.json'));
const lock = JSON.parse(readText('package-lock.json'));
const programs = ['write-server', 'projector', 'read-server', 'horizon'].map(
  (name) => `cmd/${name}.ts`,
);

/** What the last stage takes from the repository. */
function copied(): string[] {
  const lines = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
  return lines.flatMap(([, sources = '']) => sources.split(' '));
}

/** The files and packages that a program comes to. */
function reachedFrom(program: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const pending = [program];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const name of importsOf(readText(file))) {
      // A word of the CLI's, between quotes as an import's would be.
      if (!/^[@./\w-]+$/.test(name)) continue;
      const [scope = '', rest = ''] = name.split('/');
      if (name.startsWith('.')) pending.push(relative(root, resolve(root, file, '..', name)));
      else packages.add(scope.startsWith('@') ? `${scope}/${rest}` : scope);
    }
  }
  return { files, packages };
}

test.each(programs)('%s finds all that it imports', (program) => {
  const { files, packages } = reachedFrom(program);
  expect(files.size).toBeGreaterThan(10);
  const places = copied();
  const missing = [...files].filter(
    (file) => !places.some((place) => file === place || file.startsWith(`${place}/`)),
  );
  expect(missing).toEqual([]);
  const foreign = [...packages].filter((name) => !isBuiltin(name));
  expect(foreign.length).toBeGreaterThan(3);
  expect(Object.keys(manifest.dependencies)).toEqual(expect.arrayContaining(foreign));
});

test('what it copies is there, and is let through to it', () => {
  const open = readText('.dockerignore').split('\n');
  expect(open).toContain('*');
  for (const place of copied()) {
    expect({ place, exists: existsSync(join(root, place)) }).toEqual({ place, exists: true });
    expect(open).toContain(`!${place}`);
  }
});

test('it runs on the Node of the tests, and not as root', () => {
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  const { version } = lock.packages['node_modules/node'];
  expect(new Set(images)).toEqual(new Set([`node:${version}-bookworm-slim`]));
  expect(dockerfile).toMatch(/^USER (?!0\b)\d+:\d+$/m);
});
