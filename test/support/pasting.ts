import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from '@jest/globals';
import { freePort } from './ports.ts';

// Documents whose commands are pasted into a shell, as their readers do, and whose outputs are
// compared with what they show. A block that is pasted is fenced by ```bash tour; `stopped` and
// `restarted` behind it say what happens to `npm start` before. A ```text block right behind it is
// its output, where `…` stands for anything within a line and, alone in a line, for any lines.

export const root = resolve(import.meta.dirname, '../..');

export type Block = {
  /** What follows `bash` behind the fence. */
  readonly marks: readonly string[];
  readonly code: string;
  readonly shown: string;
};

export function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function bashBlocks(document: string): readonly Block[] {
  const form = /^```bash *(.*)\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm;
  return [...document.matchAll(form)].map(([, marks = '', code = '', shown = '']) => ({
    ...{ marks: marks.split(' '), code, shown },
  }));
}

/**
 * Pastes the tour of a document, block by block, with servers of its own in a folder. Throws at the
 * first command that fails, and at the first output that is not as shown.
 */
export async function followTour(document: string, folder: string): Promise<void> {
  const { env, moved } = await surroundings(folder);
  const withPorts = (code: string): string =>
    code.replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${moved.get(port)}`);
  const terminals: ChildProcess[] = [];
  const start = async (): Promise<string> => {
    const terminal = openTerminal('npm', ['start'], env);
    terminals.push(terminal);
    return untilUp(terminal);
  };
  const stop = async (): Promise<void> => {
    await Promise.all(terminals.splice(0).map(interrupt));
  };
  const shell = openShell(env);
  try {
    await shell.paste(exportsOf(await start()));
    for (const { code, shown, marks } of bashBlocks(document)) {
      if (!marks.includes('tour')) continue;
      if (marks.includes('stopped') || marks.includes('restarted')) await stop();
      if (marks.includes('restarted')) await start();
      const said = await shell.paste(withPorts(code));
      if (shown === '') expect(said).toBe('');
      else expect(`${masked(said)}\n`).toMatch(patternOf(shown));
    }
  } finally {
    await interrupt(shell.terminal);
    await stop();
  }
}

const ports = ['50051', '8051', '50052', '8052', '50053', '8053'];

/** Free ports in place of the default ones, and a data directory. */
async function surroundings(folder: string) {
  const moved = new Map<string, string>();
  for (const port of ports) moved.set(port, `${await freePort()}`);
  const address = (port: string) => `127.0.0.1:${moved.get(port)}`;
  const env = {
    ...process.env,
    ...{ CIPHERHORIZON_DATA_DIR: join(folder, 'data'), TZ: 'UTC' },
    ...{ WRITE_GRPC_ADDRESS: address('50051'), WRITE_HTTP_ADDRESS: address('8051') },
    ...{ READ_GRPC_ADDRESS: address('50052'), READ_HTTP_ADDRESS: address('8052') },
    ...{ PROJECTOR_GRPC_ADDRESS: address('50053'), PROJECTOR_HTTP_ADDRESS: address('8053') },
  };
  return { env, moved };
}

/** A process with a group of its own, as one that a terminal has. */
function openTerminal(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawn(program, args, { cwd: root, env, detached: true, stdio: 'pipe' });
}

/** Ctrl-C: every process of the terminal gets it. */
async function interrupt(terminal: ChildProcess): Promise<void> {
  const { pid, exitCode, signalCode } = terminal;
  if (exitCode !== null || signalCode !== null || pid === undefined) return;
  const closed = new Promise((resolve) => terminal.once('close', resolve));
  process.kill(-pid, 'SIGINT');
  await closed;
}

/** What `npm start` says when the servers are up. */
function untilUp(terminal: ReturnType<typeof openTerminal>): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk;
      // Its last line.
      if (said.includes('projection status\n')) resolve(said);
    };
    terminal.stdout.on('data', hear);
    terminal.stderr.on('data', hear);
    terminal.once('close', () => reject(new Error(`npm start has ended: ${said}`)));
  });
}

/** What it says that another terminal has to set. */
function exportsOf(said: string): string {
  const lines = said.split('\n').filter((line) => line.startsWith('export '));
  return lines.join('\n');
}

const end = '== pasted ==';

/** A shell that ends at the first command that fails. */
function openShell(env: NodeJS.ProcessEnv) {
  const terminal = openTerminal('bash', ['-e', '-o', 'pipefail'], env);
  let heard = '';
  terminal.stdout.on('data', (chunk) => {
    heard += chunk;
  });
  const ended = new Promise<number | null>((resolve) => terminal.once('close', resolve));
  terminal.stdin.write('exec 2>&1\n');
  /** Gives what it says. */
  async function paste(text: string): Promise<string> {
    heard = '';
    const done = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!heard.endsWith(`${end}\n`)) return;
        terminal.stdout.off('data', look);
        resolve();
      };
      terminal.stdout.on('data', look);
    });
    // Read as a whole before it runs, so that no command takes what follows as its input.
    terminal.stdin.write(`{\n${text}\n} </dev/null\necho '${end}'\n`);
    const failed = ended.then((code) => {
      throw new Error(`the shell has ended with ${code}:\n${text}\n${heard}`);
    });
    await Promise.race([done, failed]);
    return heard.slice(0, -end.length - 1);
  }
  return { terminal, paste };
}

/** Ids and times are others each time; but the figures of March 2024 are those of the examples. */
function masked(text: string): string {
  return text
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<id>')
    .replace(/\b20(?!24-03)\d\d-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?Z?)?/g, '<time>')
    .replace(/^\d\d:\d\d:\d\d\b/gm, '<time>')
    .replace(/ +/g, ' ')
    .trim();
}

function patternOf(shown: string): RegExp {
  const lines = masked(shown)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${escaped(line).replaceAll('…', '.*')}\\n`));
  return new RegExp(`^${lines.join('')}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What the first column of the table in a section names; a section ends at the next of its kind. */
export function namesIn(document: string, heading: string, form: RegExp): string[] {
  const [marks = ''] = heading.split(' ');
  const section = document.split(`\n${heading}\n`)[1]?.split(`\n${marks} `)[0] ?? '';
  return [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(form)].map(([, name = '']) => name),
  );
}

/** The paths of the repository that a document links to, from its own folder. */
export function linksOf(document: string): string[] {
  return [...document.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
}

/** The headings that it links to within itself, and those that it has, both as links name them. */
export function anchorsOf(document: string): { linked: string[]; there: string[] } {
  const linked = [...document.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
  const headings = [...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  return { linked, there: headings };
}
