// Generates the code of proto/ into a temporary folder and compares it with the committed src/gen.
// Fails with the name of each file that is stale, missing, or without a proto.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMITTED = 'src/gen';

/** The text of every file below a folder, by its path inside the folder. */
function readTree(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]));
}

function compare(committed: Map<string, string>, fresh: Map<string, string>): string[] {
  const paths = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
  return paths.flatMap((path) => {
    const name = `${COMMITTED}/${path}`;
    if (!committed.has(path)) return [`${name}: missing`];
    if (!fresh.has(path)) return [`${name}: no proto generates it`];
    return committed.get(path) === fresh.get(path) ? [] : [`${name}: stale`];
  });
}

const folder = mkdtempSync(join(tmpdir(), 'check-generated-'));
try {
  const { status } = spawnSync('buf', ['generate', '--output', folder], { stdio: 'inherit' });
  if (status !== 0) throw new Error('buf generate failed');
  const problems = compare(readTree(COMMITTED), readTree(join(folder, COMMITTED)));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error('Generated code has drifted: run `npm run generate` and commit the result.');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
