import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * The text of a file of the shared test data, named by its path within the folder. The folder lies
 * beside the repository (../shared/data) or where SHARED_DATA says. Throws where it is absent: a test
 * that cannot see its figures must fail, not pass.
 */
export function sharedData(name: string): string {
  const root = resolve(import.meta.dirname, '../..');
  const folder = resolve(root, process.env.SHARED_DATA ?? '../shared/data');
  if (!existsSync(folder)) {
    throw new Error(`the folder of shared test data is absent: ${folder} (set SHARED_DATA)`);
  }
  return readFileSync(join(folder, name), 'utf8');
}
