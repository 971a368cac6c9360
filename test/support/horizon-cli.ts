import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** The CLI's file, for those who start it otherwise. */
export const horizonProgram = resolve(import.meta.dirname, '../../cmd/horizon.ts');

export type CliResult = {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs `horizon` as a process of its own, without a terminal. */
export async function runHorizon(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<CliResult> {
  const child = spawn(process.execPath, [horizonProgram, ...args], { env, stdio: 'pipe' });
  child.stdin.end(input);
  const [stdout, stderr, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exit, stdout, stderr };
}

export type Up = {
  readonly child: ChildProcess;
  /** What `up --json` says when the servers are ready. */
  readonly welcome: {
    readonly servers: readonly {
      readonly name: string;
      readonly grpc: string;
      readonly url: string;
    }[];
    readonly data: string;
    readonly token: string;
  };
  /** For commands to the servers. */
  readonly env: NodeJS.ProcessEnv;
  /** What has gone to standard error so far. */
  readonly notes: () => string;
  /** Sends the signal and waits for the end. */
  readonly stop: (signal: NodeJS.Signals) => Promise<number | null>;
};

const anyPort = '127.0.0.1:0';

/** Starts the three servers on free ports with `horizon up`, and waits until they are ready. */
export async function startUp(dataDirectory: string): Promise<Up> {
  const own = { ...process.env, CIPHERHORIZON_DATA_DIR: dataDirectory };
  const addresses = {
    ...{ WRITE_GRPC_ADDRESS: anyPort, WRITE_HTTP_ADDRESS: anyPort },
    ...{ READ_GRPC_ADDRESS: anyPort, READ_HTTP_ADDRESS: anyPort },
    ...{ PROJECTOR_GRPC_ADDRESS: anyPort, PROJECTOR_HTTP_ADDRESS: anyPort },
  };
  const child = spawn(process.execPath, [horizonProgram, 'up', '--json'], {
    env: { ...own, ...addresses },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let notes = '';
  child.stderr.on('data', (chunk) => {
    notes += chunk;
  });
  const ended = once(child, 'close');
  const ready = once(createInterface({ input: child.stdout }), 'line');
  const [line] = await Promise.race([
    ready,
    ended.then(() => Promise.reject(new Error(`up has ended: ${notes}`))),
  ]);
  const welcome: Up['welcome'] = JSON.parse(line);
  const urls = welcome.servers.map(({ name, url }) => [`HORIZON_${name.toUpperCase()}_URL`, url]);
  return {
    child,
    welcome,
    env: { ...own, ...Object.fromEntries(urls) },
    notes: () => notes,
    stop: async (signal) => {
      child.kill(signal);
      const [exit] = await ended;
      return exit;
    },
  };
}
