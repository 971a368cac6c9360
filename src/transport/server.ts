import type { Principal } from '../kernel/principal.ts';
import type { RpcService } from '../kernel/rpc.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Authenticate } from './authentication.ts';
import { type Calls, createCalls } from './calls.ts';
import { createFaultAnswers } from './faults.ts';
import { listenGrpc } from './grpc-listener.ts';
import { createHealth, type Readiness } from './health.ts';
import { createHttpHandler } from './http-handler.ts';
import { listenHttp } from './http-listener.ts';
import type { ServerLimits } from './limits.ts';
import { isLoopback, type ListenAddress, type Listener, type TlsFiles } from './listener.ts';
import type { Metrics } from './metrics.ts';
import { createReflection } from './reflection.ts';
import { checkHandlers, type Serving } from './served.ts';

export type ServerOptions = {
  /** For the log: "write-server". */
  readonly name: string;
  readonly services: readonly RpcService[];
  readonly grpc: ListenAddress;
  readonly http: ListenAddress;
  /** Absent: whoever is on this machine may do everything, and both addresses must be loopback. */
  readonly authenticate?: Authenticate | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly limits: ServerLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  /** Stops the server, as disposing does. */
  readonly signal?: AbortSignal | undefined;
};

export type RunningServer = {
  readonly grpcPort: number;
  readonly httpPort: number;
  /**
   * Stops: accepts no more, ends streams with UNAVAILABLE, lets the other calls finish within
   * `shutdownMs`, then cuts them off. Resolves when nothing is open any more.
   */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const anonymous: Principal = Object.freeze({
  subject: 'anonymous-local',
  roles: Object.freeze(['user', 'analyst', 'operator', 'admin']),
});

/** How long a stop waits for peers to take their last answers, beyond the calls themselves. */
const farewellMs = 500;

/**
 * Serves the services over gRPC on one port, and over Connect, gRPC-Web and JSON on the other, with
 * health, reflection and metrics. Throws where an address cannot be bound, or where a server
 * without authentication could be reached from another machine.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { name, limits, log, metrics, tls } = options;
  const authenticate = options.authenticate ?? localOnly(options);
  const calls = createCalls(limits);
  const serving: Serving = { calls, authenticate, answerFault: createFaultAnswers(log) };
  const readiness = (): Readiness =>
    calls.isStopping() ? { ready: false, reason: 'the server stops' } : options.readiness();
  const health = createHealth(
    options.services.map(({ service }) => service.typeName),
    readiness,
  );
  const services = [
    ...options.services,
    health,
    ...createReflection([...options.services, health]),
  ];
  checkHandlers(services);
  addGauges(metrics, calls);

  const handle = createHttpHandler({
    ...{ serving, services, limits, readiness, metrics, log },
    isLocalOnly: options.authenticate === undefined,
  });
  const grpc = await listenGrpc({ serving, services, address: options.grpc, tls, limits, log });
  const http = await listenHttp({
    ...{ address: options.http, tls, handle },
    maxStreamsOfConnection: limits.maxInFlight + limits.maxStreams,
  }).catch(async (error: unknown) => {
    await grpc.close(Promise.resolve());
    throw error;
  });
  log.info({ server: name, grpcPort: grpc.port, httpPort: http.port }, 'the server listens');

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= stopServer(options, calls, [grpc, http]);
    return stopped;
  };
  if (options.signal?.aborted) await stop();
  options.signal?.addEventListener('abort', () => void stop(), { once: true });
  return { grpcPort: grpc.port, httpPort: http.port, [Symbol.asyncDispose]: stop };
}

async function stopServer(
  { name, log }: ServerOptions,
  calls: Calls,
  listeners: readonly Listener[],
): Promise<void> {
  log.info({ server: name, unary: calls.count('unary') }, 'the server stops');
  // The listeners close at once to whoever is new; their patience ends after the last call.
  const patience = Promise.withResolvers<void>();
  const closed = listeners.map((listener) => listener.close(patience.promise));
  await calls.stop();
  const timer = setTimeout(patience.resolve, farewellMs);
  await Promise.all(closed);
  clearTimeout(timer);
  log.info({ server: name, cutOff: calls.count('unary') }, 'the server has stopped');
}

function localOnly({ name, grpc, http, log }: ServerOptions): Authenticate {
  for (const { host } of [grpc, http]) {
    if (isLoopback(host)) continue;
    throw new Error(
      `${name} does not start: it would listen on ${host} without authentication. ` +
        'Configure keys for bearer tokens, or listen on 127.0.0.1',
    );
  }
  log.warn({ server: name }, 'no authentication: everybody on this machine may do everything');
  return () => anonymous;
}

function addGauges(metrics: Metrics, calls: Calls): void {
  metrics.addGauge({
    name: 'rpc_in_flight',
    help: 'Calls at work now.',
    labels: ['kind'],
    collect: () =>
      (['unary', 'stream'] as const).map((kind) => ({ labels: [kind], value: calls.count(kind) })),
  });
  metrics.addGauge({
    name: 'rpc_overloads',
    help: 'Calls refused since the start because the server had its limit of calls open.',
    labels: [],
    collect: () => [{ labels: [], value: calls.overloads() }],
  });
}
