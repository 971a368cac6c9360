import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

// Adds what npm leaves out of package-lock.json: some versions of it write only the optional packages
// of the platform they run on (a binary of the linter, of the compiler), and then `npm ci` fails on
// that lock everywhere, since the packages that want the others are there. To be run after every
// `npm install` or `npm uninstall`:
//
//     node scripts/complete-lock.ts

type Entry = {
  version?: string;
  dev?: true;
  optional?: true;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: { [name: string]: string };
};

export type Lock = { packages: { [path: string]: Entry } };

const systems = 'aix android darwin freebsd linux netbsd openbsd openharmony sunos win32'.split(
  ' ',
);
const processors: ReadonlyMap<string, string> = new Map([
  ...'arm arm64 ia32 loong64 mips64el ppc64 riscv64 s390x x64'
    .split(' ')
    .map((name) => [name, name] as const),
  ['aarch64', 'arm64'],
  ['armv7', 'arm'],
]);

/**
 * The lock with an entry for each optional dependency that it lacks, without an integrity: npm takes
 * that from the registry. Throws where a package is not one of a platform, or has no exact version:
 * then it is not the platform that it is missing for.
 */
export function completeLock(lock: Lock): { lock: Lock; added: readonly string[] } {
  const packages = { ...lock.packages };
  const added: string[] = [];
  for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isThere(packages, parent, name)) continue;
      const path = `node_modules/${name}`;
      packages[path] = { ...entryOf(name, version), ...(dev && { dev }) };
      added.push(`${name}@${version}`);
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, added };
}

/** A package is looked for as Node does: beside its parent, and further up. */
function isThere(packages: Lock['packages'], parent: string, name: string): boolean {
  for (let folder = parent; ; folder = folder.slice(0, folder.lastIndexOf('node_modules/'))) {
    const base = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
    if (`${base}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}

function entryOf(name: string, version: string): Entry {
  const words = name.split(/[/-]/);
  const os = words.find((word) => systems.includes(word));
  const cpu = processors.get(words.find((word) => processors.has(word)) ?? '');
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`${name}@${version} is missing, and not as a package of another platform`);
  }
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => /^(gnu|glibc)/.test(word))
      ? ['glibc']
      : undefined;
  return { version, optional: true, os: [os], cpu: [cpu], ...(libc && { libc }) };
}

if (import.meta.main) {
  const file = resolve(import.meta.dirname, '../package-lock.json');
  const { lock, added } = completeLock(JSON.parse(readFileSync(file, 'utf8')));
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
  for (const name of added) console.log(`added ${name}`);
  console.log(`${added.length} missing`);
}
