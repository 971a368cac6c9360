import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Supervised = {
  readonly name: string;
  /**
   * Resolves when the signal has aborted and the process is gone. Rejects with a StartFailure where
   * it ended before `trust`.
   */
  readonly ended: Promise<Ending>;
  /** From now on the process is started again when it ends. */
  readonly trust: () => void;
};

export type Ending = {
  /** `exit code 0`. */
  readonly how: string;
  readonly lastLines: readonly string[];
  /** It did not stop in time. */
  readonly wasKilled: boolean;
};

export type SuperviseOptions = {
  readonly name: string;
  readonly script: string;
  /** For Node, before the script. */
  readonly nodeOptions?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Stops the process: SIGTERM, and SIGKILL where that does not end it within `patienceMs`. */
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly onLine: (line: string) => void;
  readonly onNote: (sentence: string) => void;
};

/** The process ended before it was serving for the first time. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly lastLines: readonly string[];

  constructor(server: string, how: string, lastLines: readonly string[]) {
    super(`the ${server} server could not start (${how})`);
    this.lastLines = lastLines;
  }
}

const firstDelayMs = 200;
const longestDelayMs = 5_000;
/** A process that ran so long was serving: the next one starts without a growing delay. */
const soundMs = 1_500;
const linesKept = 20;

/**
 * Runs a program of Node until the signal aborts, and again when it ends by itself, with a growing
 * delay. The process stops by itself when this one is gone: its IPC channel closes.
 */
export function supervise(options: SuperviseOptions): Supervised {
  const { name, signal, onNote } = options;
  let isTrusted = false;

  async function run(): Promise<Ending> {
    let delayMs = firstDelayMs;
    for (;;) {
      const startedAt = Date.now();
      const ending = await runOnce(options);
      if (signal.aborted) return ending;
      const { how, lastLines } = ending;
      if (!isTrusted) throw new StartFailure(name, how, lastLines);
      if (Date.now() - startedAt > soundMs) delayMs = firstDelayMs;
      onNote(`the ${name} server has ended (${how}); it starts again in ${delayMs} ms`);
      await pause(delayMs, signal);
      if (signal.aborted) return ending;
      delayMs = Math.min(delayMs * 2, longestDelayMs);
    }
  }
  const ended = run();
  // Whoever awaits it later gets the error then.
  ended.catch(() => undefined);
  return {
    name,
    ended,
    trust: () => {
      isTrusted = true;
    },
  };
}

async function runOnce(options: SuperviseOptions): Promise<Ending> {
  const { script, nodeOptions = [], env, signal, patienceMs, onLine, onNote, name } = options;
  const child = spawn(process.execPath, [...nodeOptions, script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > linesKept) lastLines.shift();
      onLine(line);
    });
  }
  let killTimer: NodeJS.Timeout | undefined;
  let wasKilled = false;
  const stop = (): void => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => {
      onNote(`the ${name} server did not stop within ${patienceMs} ms and is killed`);
      wasKilled = child.kill('SIGKILL');
    }, patienceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const how = await endOf(child);
  clearTimeout(killTimer);
  signal.removeEventListener('abort', stop);
  return { how, lastLines, wasKilled };
}

/** 'close' comes after the last line of output. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
