import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from '@jest/globals';
import { StartFailure, supervise } from '../../../cmd/cli/supervise.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
const root = resolve(import.meta.dirname, '../../..');
const stop = { controller: new AbortController() };

afterEach(() => {
  stop.controller.abort();
  stop.controller = new AbortController();
});

function program(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}

/** A supervised program, what it has printed, and a wait for a line. */
function start(script: string, patienceMs = 10_000) {
  const lines: string[] = [];
  const notes: string[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = supervise({
    ...{ name: 'test', script, env: process.env, patienceMs, signal: stop.controller.signal },
    onLine: (line) => {
      lines.push(line);
      for (const { count, resolve } of waiting) if (lines.length >= count) resolve();
    },
    onNote: (note) => notes.push(note),
  });
  const untilLines = (count: number): Promise<void> =>
    new Promise((resolve) => {
      if (lines.length >= count) resolve();
      else waiting.push({ count, resolve });
    });
  return { ...server, lines, notes, untilLines };
}

test('a program that ends before it is trusted is a failure, with its last lines', async () => {
  const script = program('fails.mjs', "console.error('no such folder'); process.exitCode = 7;");
  const { ended } = start(script);
  const failure = await ended.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StartFailure);
  expect((failure as StartFailure).message).toBe('the test server could not start (exit code 7)');
  expect((failure as StartFailure).lastLines).toEqual(['no such folder']);
});

test('a trusted program is started again when it ends', async () => {
  const script = program('ends.mjs', 'console.log(process.pid); process.exitCode = 1;');
  const server = start(script);
  server.trust();
  await server.untilLines(2);
  stop.controller.abort();
  await server.ended;
  expect(new Set(server.lines).size).toBe(server.lines.length);
  expect(server.notes[0]).toBe(
    'the test server has ended (exit code 1); it starts again in 200 ms',
  );
});

const waits = "setInterval(() => undefined, 1000); console.log('ready');";

test('a program that does not stop is killed', async () => {
  const script = program('stubborn.mjs', `process.on('SIGTERM', () => undefined); ${waits}`);
  const server = start(script, 50);
  await server.untilLines(1);
  stop.controller.abort();
  expect(await server.ended).toMatchObject({ how: 'killed by SIGKILL', wasKilled: true });
});

test('a program that stops is not killed', async () => {
  const { ended, untilLines } = start(program('obeys.mjs', waits));
  await untilLines(1);
  stop.controller.abort();
  expect(await ended).toMatchObject({ how: 'killed by SIGTERM', wasKilled: false });
});

test('a server stops when the one that has started it is killed', async () => {
  const stopped = join(folder, 'stopped');
  const server = program(
    'server.ts',
    `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
    import { stopSignal } from ${JSON.stringify(join(root, 'cmd/stop-signals.ts'))};
    const timer = setInterval(() => undefined, 1000);
    stopSignal().addEventListener('abort', () => {
      clearInterval(timer);
      writeFileSync(${JSON.stringify(stopped)}, 'by itself');
    });
    console.log('ready');`,
  );
  const parent = program(
    'parent.ts',
    `import { supervise } from ${JSON.stringify(join(root, 'cmd/cli/supervise.ts'))};
    supervise({
      name: 'test', script: ${JSON.stringify(server)}, env: process.env, patienceMs: 1000,
      signal: new AbortController().signal, onLine: console.log, onNote: console.log,
    });`,
  );
  const child = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  child.kill('SIGKILL');
  while (!existsSync(stopped)) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(readFileSync(stopped, 'utf8')).toBe('by itself');
}, 30_000);
