import { type Environment, type EnvironmentReader, readEnvironment } from './environment.ts';
import {
  type EventStoreConfig,
  type ReadStoreConfig,
  readEventStore,
  readReadStore,
} from './stores.ts';

export type Address = { readonly host: string; readonly port: number };
export type Addresses = { readonly grpc: Address; readonly http: Address };

export type AuthenticationConfig = {
  readonly keys: { readonly jwksUrl: string } | { readonly keyFile: string };
  readonly issuer: string;
  readonly audience: string;
};

export type LogLevel = (typeof logLevels)[number];

/** What the environment says, checked and frozen. Nothing else reads the environment. */
export type Config = {
  readonly dataDirectory: string;
  readonly eventStore: EventStoreConfig;
  readonly readStore: ReadStoreConfig;
  readonly servers: {
    readonly write: Addresses;
    readonly read: Addresses;
    readonly projector: Addresses;
  };
  /** undefined: the servers listen on loopback only. */
  readonly authentication: AuthenticationConfig | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly limits: {
    readonly maxRequestBytes: number;
    readonly maxResponseBytes: number;
    readonly maxInFlight: number;
    readonly maxStreams: number;
    readonly deadlineMs: number;
    readonly shutdownMs: number;
  };
  /** Of cmd/event-store.ts; without a file of users everybody on this machine may do everything. */
  readonly eventStoreServer: {
    readonly address: Address;
    readonly usersFile: string | undefined;
    readonly maxAppendBytes: number;
  };
  readonly logLevel: LogLevel;
  readonly write: {
    /** A snapshot is taken after so many events of a stream. */
    readonly snapshotEvery: number;
    /** Aggregates kept in memory. */
    readonly cacheAggregates: number;
    /** Refusals recorded per second; what is beyond is counted only. */
    readonly refusalsPerSecond: number;
  };
  readonly views: {
    /** Views that every command waits for. */
    readonly immediate: readonly string[];
    /** Views that are applied in batches, by name. */
    readonly batches: Readonly<Record<string, { readonly size: number; readonly waitMs: number }>>;
  };
  /** Where traces go. */
  readonly otlpEndpoint: string | undefined;
};

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const megabyte = 1024 * 1024;

/** Throws a ConfigError that names every variable that breaks a rule, its value, and the rule. */
export function readConfig(env: Environment): Config {
  return readEnvironment(env, (read) => {
    const dataDirectory = read.text('CIPHERHORIZON_DATA_DIR') ?? './var';
    return {
      dataDirectory,
      eventStore: readEventStore(read, dataDirectory),
      readStore: readReadStore(read, dataDirectory),
      servers: {
        write: readAddresses(read, 'WRITE', 50051, 8051),
        read: readAddresses(read, 'READ', 50052, 8052),
        projector: readAddresses(read, 'PROJECTOR', 50053, 8053),
      },
      authentication: readAuthentication(read),
      tls: readTls(read),
      limits: {
        maxRequestBytes: read.integer('MAX_MESSAGE_BYTES', 4 * megabyte, 1024, 256 * megabyte),
        maxResponseBytes: read.integer('MAX_RESPONSE_BYTES', 16 * megabyte, 1024, 256 * megabyte),
        maxInFlight: read.integer('MAX_IN_FLIGHT', 1024, 1, 100_000),
        maxStreams: read.integer('MAX_STREAMS', 256, 1, 100_000),
        deadlineMs: read.integer('DEADLINE_MS', 30_000, 1, 3_600_000),
        shutdownMs: read.integer('SHUTDOWN_MS', 10_000, 0, 3_600_000),
      },
      eventStoreServer: {
        address: read.address('EVENT_STORE_ADDRESS', { host: '127.0.0.1', port: 2113 }),
        usersFile: read.text('EVENT_STORE_USERS_FILE'),
        maxAppendBytes: read.integer('EVENT_STORE_MAX_APPEND_BYTES', megabyte, 1024, 16 * megabyte),
      },
      logLevel: read.choice('LOG_LEVEL', logLevels, 'info'),
      write: {
        snapshotEvery: read.integer('SNAPSHOT_EVERY', 500, 1, 1_000_000),
        cacheAggregates: read.integer('CACHE_AGGREGATES', 10_000, 0, 10_000_000),
        refusalsPerSecond: read.integer('REFUSALS_PER_SECOND', 100, 0, 100_000),
      },
      views: { immediate: read.names('IMMEDIATE_VIEWS'), batches: readBatches(read) },
      otlpEndpoint: read.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']),
    };
  });
}

function readAddresses(
  read: EnvironmentReader,
  name: string,
  grpcPort: number,
  httpPort: number,
): Addresses {
  return {
    grpc: read.address(`${name}_GRPC_ADDRESS`, { host: '127.0.0.1', port: grpcPort }),
    http: read.address(`${name}_HTTP_ADDRESS`, { host: '127.0.0.1', port: httpPort }),
  };
}

function readAuthentication(read: EnvironmentReader): AuthenticationConfig | undefined {
  const jwksUrl = read.url('AUTH_JWKS_URL', ['http:', 'https:']);
  const keyFile = read.text('AUTH_KEY_FILE');
  const issuer = read.text('AUTH_ISSUER');
  const audience = read.text('AUTH_AUDIENCE');
  if (jwksUrl !== undefined && keyFile !== undefined) {
    read.refuse('AUTH_KEY_FILE', 'AUTH_JWKS_URL is set too: keys come from one place');
  }
  if (jwksUrl === undefined && keyFile === undefined) {
    // Whoever names an issuer believes that tokens are checked.
    const rule =
      'without AUTH_JWKS_URL or AUTH_KEY_FILE no token is checked: set one, or unset this';
    if (issuer !== undefined) read.refuse('AUTH_ISSUER', rule);
    if (audience !== undefined) read.refuse('AUTH_AUDIENCE', rule);
    return undefined;
  }
  if (issuer === undefined) read.refuse('AUTH_ISSUER', 'it is needed to check tokens');
  if (audience === undefined) read.refuse('AUTH_AUDIENCE', 'it is needed to check tokens');
  const keys = jwksUrl === undefined ? { keyFile: keyFile ?? '' } : { jwksUrl };
  return { keys, issuer: issuer ?? '', audience: audience ?? '' };
}

function readTls(read: EnvironmentReader): Config['tls'] {
  const certFile = read.text('TLS_CERT_FILE');
  const keyFile = read.text('TLS_KEY_FILE');
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile !== undefined) read.refuse('TLS_KEY_FILE', 'it is needed beside TLS_CERT_FILE');
  if (keyFile !== undefined) read.refuse('TLS_CERT_FILE', 'it is needed beside TLS_KEY_FILE');
  return undefined;
}

/** `PROJECTION_BATCH=portfolios=500:200,candles=1000:1000`: a view, its size, its wait. */
function readBatches(read: EnvironmentReader): Config['views']['batches'] {
  const batches: Record<string, { size: number; waitMs: number }> = {};
  for (const item of read.list('PROJECTION_BATCH')) {
    const [, view, size, waitMs] = /^([\w.-]+)=(\d{1,6}):(\d{1,6})$/.exec(item) ?? [];
    if (view === undefined || Number(size) < 1) {
      read.refuse('PROJECTION_BATCH', 'a list of view=size:waitMs, comma between, size 1 at least');
    } else if (Object.hasOwn(batches, view)) {
      read.refuse('PROJECTION_BATCH', `it names the view ${view} twice`);
    } else {
      batches[view] = { size: Number(size), waitMs: Number(waitMs) };
    }
  }
  return batches;
}
