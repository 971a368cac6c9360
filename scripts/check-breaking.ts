// Fails if the protos break a reader of the protos before them. Compared with: the given revision;
// or the commit where this branch left main; or, on main itself, HEAD while proto/ has changes that
// are not committed, else the commit before it. Passes, and says so, where there is none.
//
// Usage: node scripts/check-breaking.ts [git revision]

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a git command prints, or undefined where it fails. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function run(command: string, ...args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed`, { cause: error });
}

const commit = (revision: string) =>
  git('rev-parse', '--verify', '--quiet', `${revision}^{commit}`);

function findBase(): string | undefined {
  const head = commit('HEAD');
  const main = commit('origin/main') ?? commit('main');
  if (head === undefined) return undefined;
  // A shallow clone may not hold the commit where the branch left main: then main's tip must do.
  const fork = main === undefined ? head : (git('merge-base', head, main) ?? main);
  if (fork !== head) return fork;
  return git('status', '--porcelain', '--', 'proto') === '' ? commit('HEAD^') : head;
}

/** Lays out the protos of a commit as a workspace that compiles: what git ignores is put beside. */
function extract(revision: string, folder: string): void {
  const archive = join(folder, 'proto.tar');
  run('git', 'archive', '--output', archive, revision, 'proto');
  run('tar', '-xf', archive, '-C', folder);
  copyFileSync('buf.yaml', join(folder, 'buf.yaml'));
  const validate = join(folder, '.generated/protovalidate/buf/validate/validate.proto');
  run(process.execPath, join(import.meta.dirname, 'print-validate-proto.ts'), validate);
}

function check(revision: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'check-breaking-'));
  try {
    extract(revision, folder);
    const { status } = spawnSync('buf', ['breaking', '--against', folder], { stdio: 'inherit' });
    const verdict = status === 0 ? 'compatible' : 'broken';
    console.log(`buf breaking: compared with ${revision}: ${verdict}`);
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const named = process.argv[2];
const base = named === undefined ? findBase() : commit(named);
if (named !== undefined && base === undefined) throw new Error(`${named} is not a commit`);
if (base === undefined) {
  console.log('buf breaking: this clone has no earlier commit to compare with');
} else if (!git('ls-tree', '--name-only', base, '--', 'proto')) {
  console.log(`buf breaking: ${base} has no protos to compare with`);
} else {
  check(base);
}
