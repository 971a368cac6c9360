import { readFileSync } from 'node:fs';
import { type Addresses, type Config, readConfig } from '../src/config/config.ts';
import { ConfigError } from '../src/config/environment.ts';
import type { RpcService } from '../src/kernel/rpc.ts';
import { createValidation, type Validate } from '../src/kernel/validation.ts';
import { createAuthentication } from '../src/transport/authentication.ts';
import type { Readiness } from '../src/transport/health.ts';
import { createLog, type ProcessLog } from '../src/transport/log.ts';
import { createMetrics, type Metrics } from '../src/transport/metrics.ts';
import { startServer } from '../src/transport/server.ts';
import { stopSignal } from './stop-signals.ts';

/** What every server process has, for the parts that it is made of. */
export type ServerProcess = {
  readonly config: Config;
  readonly log: ProcessLog;
  readonly metrics: Metrics;
  readonly validate: Validate;
  /** Aborts when the process is asked to stop. */
  readonly stop: AbortSignal;
  /** Disposed of when the server has stopped, the last one first. */
  readonly own: <Part extends AsyncDisposable>(part: Part) => Part;
};

export type ServerParts = {
  readonly services: readonly RpcService[];
  readonly readiness: () => Readiness;
  /** Work beside the server; when it ends, the process does. */
  readonly work?: Promise<void>;
};

/** Runs one server from its start to its clean stop. Exits with 1 where it cannot start. */
export async function runServer(
  name: string,
  addressesOf: (config: Config) => Addresses,
  build: (process: ServerProcess) => ServerParts | Promise<ServerParts>,
): Promise<void> {
  try {
    await serveUntilStopped(name, addressesOf, build);
  } catch (error) {
    const told = error instanceof ConfigError || process.env.DEBUG === undefined;
    console.error(`${name}: ${told ? (error as Error).message : (error as Error).stack}`);
    process.exitCode = 1;
  }
}

async function serveUntilStopped(
  name: string,
  addressesOf: (config: Config) => Addresses,
  build: (process: ServerProcess) => ServerParts | Promise<ServerParts>,
): Promise<void> {
  const stop = stopSignal();
  const config = readConfig(process.env);
  await using parts = new AsyncDisposableStack();
  const log = parts.use(createLog({ name, level: config.logLevel, target: 2 }));
  if (config.otlpEndpoint !== undefined) {
    // Loaded where it is wanted: it would add a tenth of a second to every start.
    const { startTracing } = await import('../src/transport/tracing.ts');
    parts.use(startTracing({ endpoint: config.otlpEndpoint, service: name, log }));
  }
  const metrics = createMetrics(name);
  const own: ServerProcess['own'] = (part) => parts.use(part);
  const validate = createValidation();
  const { services, readiness, work } = await build({ config, log, metrics, validate, stop, own });
  const { authentication, tls, limits } = config;
  const authenticate = authentication && (await createAuthentication({ ...authentication, log }));
  await using _server = await startServer({
    name,
    services,
    ...addressesOf(config),
    authenticate,
    tls: tls && { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
    limits,
    log,
    metrics,
    readiness,
  });
  await Promise.race([untilAborted(stop), work ?? untilAborted(stop)]);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
