import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/ports.ts';
import { profileArguments } from './profile.ts';

export type ServerName = 'write' | 'read' | 'projector';

const programs = { write: 'write-server', read: 'read-server', projector: 'projector' } as const;
const patienceMs = 30_000;

export type Servers = AsyncDisposable & {
  /** Where each listens for gRPC. */
  readonly addresses: Readonly<Record<ServerName, string>>;
  readonly pids: Readonly<Partial<Record<ServerName, number>>>;
};

/** What a server reads of the environment, so that it has the embedded engines. */
const embedded = { EVENTSTORE_URL: '', ELASTICSEARCH_URL: '' };

/**
 * Starts servers as they are run alone, on free ports and with what is left at its default: the
 * embedded engines, unless `environment` names others.
 */
export async function startServers(
  dataDirectory: string,
  names: readonly ServerName[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Servers> {
  mkdirSync(dataDirectory, { recursive: true });
  const running: { name: ServerName; child: ChildProcess; grpc: string; http: string }[] = [];
  for (const name of names) {
    const [grpc, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const child = start(name, dataDirectory, {
      ...embedded,
      ...environment,
      CIPHERHORIZON_DATA_DIR: dataDirectory,
      [`${name.toUpperCase()}_GRPC_ADDRESS`]: grpc,
      [`${name.toUpperCase()}_HTTP_ADDRESS`]: http,
    });
    running.push({ name, child, grpc, http });
  }
  for (const { name, child, http } of running) await ready(name, child, http, dataDirectory);
  const entries = running.map(({ name, grpc }) => [name, grpc]);
  const pids = running.map(({ name, child }) => [name, child.pid]);
  return {
    addresses: Object.fromEntries(entries),
    pids: Object.fromEntries(pids),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(running.map(({ child }) => stop(child)));
    },
  };
}

function start(name: ServerName, dataDirectory: string, environment: NodeJS.ProcessEnv) {
  const program = fileURLToPath(new URL(`../../cmd/${programs[name]}.ts`, import.meta.url));
  const log = openSync(logOf(name, dataDirectory), 'a');
  const child = spawn(process.execPath, [...profileArguments(`${programs[name]}`), program], {
    env: { ...process.env, ...environment },
    // With the channel it stops when this process is gone, however it went.
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return child;
}

async function ready(name: ServerName, child: ChildProcess, http: string, directory: string) {
  for (const until = Date.now() + patienceMs; ; ) {
    const response = await fetch(`http://${http}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (child.exitCode !== null || Date.now() > until) {
      const words = readFileSync(logOf(name, directory), 'utf8');
      throw new Error(`the ${name} server does not start:\n${words}`);
    }
    await delay(20);
  }
}

function logOf(name: ServerName, directory: string): string {
  return join(directory, `${name}.log`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
