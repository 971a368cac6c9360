import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { ServerName } from '../../cmd/services.ts';
import { eventually } from './clients.ts';
import { freePort } from './ports.ts';

export type ServerProcess = {
  readonly url: string;
  /** Its gRPC address. */
  readonly address: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly client: <Service extends DescService>(service: Service) => Client<Service>;
  /** What /health/ready answers. */
  readonly ready: () => Promise<{ status: number; body: { readonly [name: string]: unknown } }>;
  /** Sends the signal and waits for the end. */
  readonly stop: (signal: NodeJS.Signals) => Promise<number | null>;
  /** A process like it, where it was: after it has ended. */
  readonly again: () => Promise<ServerProcess>;
};

const scripts: { readonly [server in ServerName]: string } = {
  write: 'write-server',
  projector: 'projector',
  read: 'read-server',
};

/**
 * Server processes of a data directory on free ports, without a supervisor.
 *
 * environment: what they read besides, such as the engines
 * readyWithinMs: after a start
 */
export function createServers(
  dataDirectory: string,
  environment: NodeJS.ProcessEnv = {},
  readyWithinMs = 30_000,
) {
  const all: ServerProcess[] = [];

  const startAt = async (
    server: ServerName,
    ports: readonly [number, number],
  ): Promise<ServerProcess> => {
    const [grpc, http] = ports.map((port) => `127.0.0.1:${port}`) as [string, string];
    const child = spawn(process.execPath, [resolve('cmd', `${scripts[server]}.ts`)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        // The embedded engines, unless the test says otherwise.
        ...{ EVENTSTORE_URL: '', ELASTICSEARCH_URL: '' },
        LOG_LEVEL: 'info',
        ...environment,
        CIPHERHORIZON_DATA_DIR: dataDirectory,
        [`${server.toUpperCase()}_GRPC_ADDRESS`]: grpc,
        [`${server.toUpperCase()}_HTTP_ADDRESS`]: http,
      },
    });
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    const url = `http://${http}`;
    const ready = async () => {
      const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
      const body = (await answer.json()) as { readonly [name: string]: unknown };
      return { status: answer.status, body };
    };
    const ended = once(child, 'close');
    const started: ServerProcess = {
      ...{ url, address: grpc, child, ready, log: () => log },
      client: (service) =>
        createClient(service, createConnectTransport({ baseUrl: url, httpVersion: '1.1' })),
      stop: async (signal) => {
        child.kill(signal);
        const [exit] = await ended;
        return exit;
      },
      again: () => startAt(server, ports),
    };
    all.push(started);
    await eventually(async () => {
      if (child.exitCode !== null) return;
      if ((await ready()).status !== 200) throw new Error(`${server} is not ready`);
    }, readyWithinMs);
    if (child.exitCode !== null) throw new Error(`${server} has ended: ${log}`);
    return started;
  };

  return {
    start: async (server: ServerName) => startAt(server, [await freePort(), await freePort()]),
    [Symbol.asyncDispose]: async () => {
      const running = all.filter(({ child }) => child.exitCode === null && !child.signalCode);
      await Promise.all(running.map(({ stop }) => stop('SIGKILL')));
    },
  };
}
