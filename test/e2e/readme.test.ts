import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readConfig } from '../../src/config/config.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The README is true: its tour is pasted into a shell, block by block, and says what it shows.

jest.setTimeout(180_000);

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = temporaryFolder();

type Block = { readonly marks: readonly string[]; readonly code: string; readonly shown: string };

/** The bash blocks, each with the text block right behind it. */
const blocks: readonly Block[] = [
  ...readme.matchAll(/^```bash *(.*)\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm),
].map(([, marks = '', code = '', shown = '']) => ({ marks: marks.split(' '), code, shown }));
const tour = blocks.filter(({ marks }) => marks.includes('tour'));
const restarted = tour.findIndex(({ marks }) => marks.includes('restarted'));

/** What the README says of addresses, and where the servers of this test are instead. */
const defaults = ['50051', '8051', '50052', '8052', '50053', '8053'];
const moved = new Map<string, string>();
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const ports = await freePorts(defaults.length);
  for (const [at, port] of defaults.entries()) moved.set(port, `${ports[at]}`);
  const address = (port: string) => `127.0.0.1:${moved.get(port)}`;
  env = {
    ...process.env,
    ...{ CIPHERHORIZON_DATA_DIR: join(folder, 'data'), TZ: 'UTC' },
    ...{ WRITE_GRPC_ADDRESS: address('50051'), WRITE_HTTP_ADDRESS: address('8051') },
    ...{ READ_GRPC_ADDRESS: address('50052'), READ_HTTP_ADDRESS: address('8052') },
    ...{ PROJECTOR_GRPC_ADDRESS: address('50053'), PROJECTOR_HTTP_ADDRESS: address('8053') },
  };
});

async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = probes.map(async (probe) => {
    await new Promise((resolve) => probe.once('listening', resolve));
    return (probe.address() as { port: number }).port;
  });
  const found = await Promise.all(ports);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return found;
}

/** What leads a group of processes, as a terminal has one. */
const terminals: ChildProcess[] = [];

afterAll(async () => {
  await Promise.all(terminals.map(interrupt));
});

/** Ctrl-C: every process of the terminal gets it. */
async function interrupt(terminal: ChildProcess): Promise<void> {
  const { pid, exitCode, signalCode } = terminal;
  if (exitCode !== null || signalCode !== null || pid === undefined) return;
  const closed = new Promise((resolve) => terminal.once('close', resolve));
  process.kill(-pid, 'SIGINT');
  await closed;
}

/** The first terminal. Gives what `npm start` says another one has to set, as it says it. */
async function start(): Promise<{ readonly child: ChildProcess; readonly exports: string }> {
  const child = spawn('npm', ['start'], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  terminals.push(child);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk;
      if (said.includes('projection status\n')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', () => reject(new Error(`npm start has ended: ${said}`)));
  });
  return { child, exports: said.split('\n').filter(isExport).join('\n') };
}

function isExport(line: string): boolean {
  return line.startsWith('export ');
}

type Shell = { readonly paste: (text: string) => Promise<string>; readonly stop: () => void };

const mark = '== pasted ==';

/** The second terminal: one shell, which ends at the first command that fails. */
function openShell(): Shell {
  const shell = spawn('bash', ['-e', '-o', 'pipefail'], {
    cwd: root,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  terminals.push(shell);
  let heard = '';
  shell.stdout.on('data', (chunk) => {
    heard += chunk;
  });
  const ended = new Promise<number | null>((resolve) => shell.once('close', resolve));
  shell.stdin.write('exec 2>&1\n');
  return {
    paste: async (text) => {
      heard = '';
      const done = new Promise<void>((resolve) => {
        const look = (): void => {
          if (!heard.endsWith(`${mark}\n`)) return;
          shell.stdout.off('data', look);
          resolve();
        };
        shell.stdout.on('data', look);
      });
      // Read as a whole before it runs, so that no command takes what follows as its input.
      shell.stdin.write(`{\n${text}\n} </dev/null\necho '${mark}'\n`);
      const failed = ended.then((code) => {
        throw new Error(`it has ended with ${code}:\n${text}\n${heard}`);
      });
      await Promise.race([done, failed]);
      return heard.slice(0, -mark.length - 1);
    },
    stop: () => shell.stdin.end(),
  };
}

/** Ids, times and tokens are others each time. */
function masked(text: string): string {
  return text
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<id>')
    .replace(/\b20(?!24-03)\d\d-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?Z?)?/g, '<time>')
    .replace(/^\d\d:\d\d:\d\d\b/gm, '<time>')
    .replace(/[ ]+/g, ' ')
    .trim();
}

/** `…` stands for anything within a line; alone in a line, for any lines. */
function patternOf(shown: string): RegExp {
  const lines = masked(shown)
    .split('\n')
    .map((line) =>
      line === '…'
        ? '(?:.*\\n)*?'
        : `${line.split('…').map(escaped).join('.*')}${line.endsWith('…') ? '.*' : ''}\\n`,
    );
  return new RegExp(`^${lines.join('')}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function withPorts(code: string): string {
  return code.replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${moved.get(port)}`);
}

describe('the tour', () => {
  test('as pasted, through a stop and a new start', async () => {
    expect(tour.length).toBeGreaterThan(8);
    expect(restarted).toBe(tour.length - 1);
    const first = await start();
    const shell = openShell();
    await shell.paste(first.exports);
    for (const { code, shown, marks } of tour) {
      if (marks.includes('restarted')) {
        await interrupt(first.child);
        await start();
      }
      const said = await shell.paste(withPorts(code));
      if (shown !== '') expect(`${masked(said)}\n`).toMatch(patternOf(shown));
      else expect(said).toBe('');
    }
    shell.stop();
  });
});

/** What the first column of the table in a section names. */
function namesIn(heading: string, form: RegExp): string[] {
  const section = readme.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(form)].map(([, name = '']) => name),
  );
}

describe('what it names', () => {
  test('is there: the scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(blocks.map(({ code }) => code.trim())).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']),
    );
    const named = [...readme.matchAll(/\bnpm (?:run (?:-s )?(\w+)|(start|test))\b/g)];
    for (const [, run, own] of named) expect(Object.keys(scripts)).toContain(run ?? own);
    expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(/^npm run check$/m);
    expect(scripts.check).toMatch(/&& npm test$/);
  });

  test('is there: folders and documents', () => {
    const folders = namesIn('## Where things are', /`([^`]+)`/g);
    expect(folders.length).toBeGreaterThan(8);
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    for (const path of [...folders, ...links]) {
      const place = path.replace('<context>', 'trading');
      expect({ path, exists: existsSync(join(root, place)) }).toEqual({ path, exists: true });
    }
  });

  test('is every variable of the configuration, and no other', () => {
    const read = new Set<string>();
    const environment = new Proxy({} as NodeJS.ProcessEnv, {
      get: (_, name) => {
        read.add(String(name));
      },
    });
    readConfig(environment);
    const named = namesIn('## Configuration', /`([A-Z_]+)`/g);
    expect(named.toSorted()).toEqual([...read].toSorted());
  });
});

test('no line of it is longer than 100 columns', () => {
  expect(readme.split('\n').filter((line) => [...line].length > 100)).toEqual([]);
});
