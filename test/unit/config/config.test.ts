import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Config, readConfig } from '../../../src/config/config.ts';
import { ConfigError, type Environment } from '../../../src/config/environment.ts';
import { temporaryFolder } from '../../support/temporary.ts';

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const folder = temporaryFolder();
const anyElasticsearch = { ELASTICSEARCH_URL: 'http://n:9200' };
const loopback = (port: number) => ({ host: '127.0.0.1', port });

describe('an empty environment', () => {
  test('gives the embedded engines on loopback, without authentication', () => {
    expect(readConfig({})).toEqual({
      dataDirectory: './var',
      eventStore: { engine: 'sqlite', directory: './var' },
      readStore: { engine: 'sqlite', directory: './var' },
      servers: {
        write: { grpc: loopback(50051), http: loopback(8051) },
        read: { grpc: loopback(50052), http: loopback(8052) },
        projector: { grpc: loopback(50053), http: loopback(8053) },
      },
      authentication: undefined,
      tls: undefined,
      limits: {
        maxRequestBytes: 4_194_304,
        maxResponseBytes: 16_777_216,
        maxInFlight: 1024,
        maxStreams: 256,
        deadlineMs: 30_000,
        shutdownMs: 10_000,
      },
      eventStoreServer: {
        address: loopback(2113),
        usersFile: undefined,
        maxAppendBytes: 1_048_576,
      },
      logLevel: 'info',
      write: { snapshotEvery: 500, cacheAggregates: 10_000, refusalsPerSecond: 100 },
      views: { immediate: [], batches: {} },
      otlpEndpoint: undefined,
    } satisfies Config);
  });

  test('is what a variable that is empty stands for', () => {
    expect(readConfig({ LOG_LEVEL: '', AUTH_ISSUER: ' ', MAX_STREAMS: '' })).toEqual(
      readConfig({}),
    );
  });
});

test('every variable is read', () => {
  const config = readConfig({
    CIPHERHORIZON_DATA_DIR: '/data',
    WRITE_GRPC_ADDRESS: '0.0.0.0:1',
    READ_HTTP_ADDRESS: '[::1]:2',
    PROJECTOR_GRPC_ADDRESS: 'projector.local:0',
    AUTH_KEY_FILE: '/keys/public.pem',
    AUTH_ISSUER: 'https://issuer',
    AUTH_AUDIENCE: 'horizon',
    TLS_CERT_FILE: 'cert.pem',
    TLS_KEY_FILE: 'key.pem',
    MAX_MESSAGE_BYTES: '2048',
    MAX_RESPONSE_BYTES: '4096',
    MAX_IN_FLIGHT: '3',
    MAX_STREAMS: '4',
    DEADLINE_MS: '5',
    SHUTDOWN_MS: '0',
    EVENT_STORE_ADDRESS: '[::]:8',
    EVENT_STORE_USERS_FILE: '/run/secrets/users',
    EVENT_STORE_MAX_APPEND_BYTES: '9000',
    LOG_LEVEL: 'debug',
    SNAPSHOT_EVERY: '6',
    CACHE_AGGREGATES: '0',
    REFUSALS_PER_SECOND: '7',
    IMMEDIATE_VIEWS: 'strategies, portfolios',
    PROJECTION_BATCH: 'candles=1000:2000,trades=10:0',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  });
  expect(config).toEqual({
    dataDirectory: '/data',
    eventStore: { engine: 'sqlite', directory: '/data' },
    readStore: { engine: 'sqlite', directory: '/data' },
    servers: {
      write: { grpc: { host: '0.0.0.0', port: 1 }, http: loopback(8051) },
      read: { grpc: loopback(50052), http: { host: '::1', port: 2 } },
      projector: { grpc: { host: 'projector.local', port: 0 }, http: loopback(8053) },
    },
    authentication: {
      keys: { keyFile: '/keys/public.pem' },
      issuer: 'https://issuer',
      audience: 'horizon',
    },
    tls: { certFile: 'cert.pem', keyFile: 'key.pem' },
    limits: {
      maxRequestBytes: 2048,
      maxResponseBytes: 4096,
      maxInFlight: 3,
      maxStreams: 4,
      deadlineMs: 5,
      shutdownMs: 0,
    },
    eventStoreServer: {
      address: { host: '::', port: 8 },
      usersFile: '/run/secrets/users',
      maxAppendBytes: 9000,
    },
    logLevel: 'debug',
    write: { snapshotEvery: 6, cacheAggregates: 0, refusalsPerSecond: 7 },
    views: {
      immediate: ['strategies', 'portfolios'],
      batches: { candles: { size: 1000, waitMs: 2000 }, trades: { size: 10, waitMs: 0 } },
    },
    otlpEndpoint: 'http://collector:4318',
  } satisfies Config);
});

test('the stores are those that the environment names', () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'esdb://admin:pw@n:2113?tls=true\n');
  const config = readConfig({
    EVENTSTORE_URL_FILE: secret,
    ELASTICSEARCH_URL: 'https://n:9200',
    ELASTICSEARCH_USERNAME: 'u',
    ELASTICSEARCH_PASSWORD: 'pw',
    ELASTICSEARCH_CA_FILE: 'ca.pem',
    ELASTICSEARCH_INDEX_PREFIX: 'ch',
    ELASTICSEARCH_REQUEST_TIMEOUT_MS: '5',
  });
  const connectionString = 'esdb://admin:pw@n:2113?tls=true';
  expect(config.eventStore).toEqual({ engine: 'eventstoredb', connectionString });
  expect(config.readStore).toEqual({
    engine: 'elasticsearch',
    url: 'https://n:9200',
    indexPrefix: 'ch',
    requestTimeoutMs: 5,
    auth: { username: 'u', password: 'pw' },
    caFile: 'ca.pem',
  });
  const keyed = readConfig({ ...anyElasticsearch, ELASTICSEARCH_API_KEY: 'k' });
  expect(keyed.readStore).toMatchObject({ auth: { apiKey: 'k' }, indexPrefix: 'cipherhorizon' });
});

test('a node of EventStoreDB is called by its address where there is no TLS', () => {
  const connectionString = 'esdb://10.0.0.2:2113?tls=false&tlsCAFile=/no/ca';
  const { eventStore } = readConfig({ EVENTSTORE_URL: connectionString });
  expect(eventStore).toEqual({ engine: 'eventstoredb', connectionString });
});

test('keys may come from a URL', () => {
  const env = { AUTH_JWKS_URL: 'https://i/jwks', AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'a' };
  expect(readConfig(env).authentication).toEqual({
    keys: { jwksUrl: 'https://i/jwks' },
    issuer: 'i',
    audience: 'a',
  });
});

test('the object is frozen to the depth', () => {
  const config = readConfig({ PROJECTION_BATCH: 'candles=1:2' });
  const unfrozen: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) unfrozen.push(path);
    for (const [key, member] of Object.entries(value)) look(member, `${path}.${key}`);
  };
  look(config, 'config');
  expect(unfrozen).toEqual([]);
});

describe('a refusal names the variable, its value and the rule', () => {
  test.each<[Environment, string]>([
    [{ MAX_STREAMS: '0' }, 'MAX_STREAMS ("0"): a whole number from 1 to 100000'],
    [{ DEADLINE_MS: '1e3' }, 'DEADLINE_MS ("1e3"): a whole number from 1 to 3600000'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL ("loud"): one of trace, debug, info, warn, error, fatal'],
    [{ READ_GRPC_ADDRESS: '50052' }, 'READ_GRPC_ADDRESS ("50052"): host:port'],
    [{ READ_GRPC_ADDRESS: 'a:70000' }, 'READ_GRPC_ADDRESS ("a:70000"): host:port'],
    [{ READ_GRPC_ADDRESS: '::1:2' }, 'READ_GRPC_ADDRESS ("::1:2"): host:port'],
    [{ EVENTSTORE_URL: 'http://admin:pw@n:2113' }, 'EVENTSTORE_URL (secret): esdb://host:port'],
    [
      { EVENTSTORE_URL: 'esdb+discover://admin:pw@n:1,10.0.0.2:2113/?Tls=true' },
      'EVENTSTORE_URL (secret): over TLS a node is called by its name, not by an address: 10.0.0.2',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw@n:2113?keepAliveIntervall=10' },
      'EVENTSTORE_URL (secret): the option "keepAliveIntervall" is none of tls, dnsDiscover',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw@n:2113?tls' },
      'EVENTSTORE_URL (secret): the option tls is true or false',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw@n:2113?tls=false&Node_Preference=leadr' },
      'EVENTSTORE_URL (secret): the option nodePreference is leader, follower',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw@n:2113?defaultDeadline=0' },
      'EVENTSTORE_URL (secret): the option defaultDeadline is a whole number from 1 on',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw@n:99999' },
      'EVENTSTORE_URL (secret): behind the name of a host a port from 1 to 65535',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:pw' },
      'EVENTSTORE_URL (secret): behind the name of a host a port from 1 to 65535',
    ],
    [
      { EVENTSTORE_URL: 'esdb://admin:p?w@n:2113' },
      'EVENTSTORE_URL (secret): user and password percent-encoded',
    ],
    [{ EVENTSTORE_URL: 'esdb://?tls=false' }, 'EVENTSTORE_URL (secret): esdb://host:port'],
    [{ EVENTSTORE_URL_FILE: '/no/file' }, 'EVENTSTORE_URL_FILE ("/no/file"): the file cannot be'],
    [{ ELASTICSEARCH_URL: 'n:9200' }, 'ELASTICSEARCH_URL ("n:9200"): a URL that begins with'],
    [{ ELASTICSEARCH_URL: 'http://a:pw@n' }, 'ELASTICSEARCH_URL (secret): without user and'],
    [{ ELASTICSEARCH_CA_FILE: 'ca' }, 'ELASTICSEARCH_CA_FILE ("ca"): it is for an Elasticsearch'],
    [{ ...anyElasticsearch, ELASTICSEARCH_USERNAME: 'u' }, 'ELASTICSEARCH_PASSWORD (not set): it'],
    [{ ...anyElasticsearch, ELASTICSEARCH_INDEX_PREFIX: 'A' }, 'ELASTICSEARCH_INDEX_PREFIX ("A")'],
    [
      { ...anyElasticsearch, ELASTICSEARCH_API_KEY: 'k', ELASTICSEARCH_PASSWORD: 'pw' },
      'ELASTICSEARCH_PASSWORD (secret): ELASTICSEARCH_API_KEY is set too',
    ],
    [{ AUTH_ISSUER: 'i' }, 'AUTH_ISSUER ("i"): without AUTH_JWKS_URL or AUTH_KEY_FILE'],
    [{ AUTH_AUDIENCE: 'a' }, 'AUTH_AUDIENCE ("a"): without AUTH_JWKS_URL or AUTH_KEY_FILE'],
    [{ AUTH_JWKS_URL: 'ftp://i' }, 'AUTH_JWKS_URL ("ftp://i"): a URL that begins with http://'],
    [{ TLS_CERT_FILE: 'c' }, 'TLS_KEY_FILE (not set): it is needed beside TLS_CERT_FILE'],
    [{ TLS_KEY_FILE: 'k' }, 'TLS_CERT_FILE (not set): it is needed beside TLS_KEY_FILE'],
    [{ IMMEDIATE_VIEWS: 'a b' }, 'IMMEDIATE_VIEWS ("a b"): names with commas between'],
    [{ PROJECTION_BATCH: 'a=0:1' }, 'PROJECTION_BATCH ("a=0:1"): a list of view=size:waitMs'],
    [{ PROJECTION_BATCH: 'a=1' }, 'PROJECTION_BATCH ("a=1"): a list of view=size:waitMs'],
    [{ PROJECTION_BATCH: 'a=1:1,a=2:2' }, 'PROJECTION_BATCH ("a=1:1,a=2:2"): it names the view a'],
  ])('%j', (env, start) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.slice(0, start.length)).toBe(start);
  });

  test('tokens cannot be checked without issuer and audience', () => {
    expect(problemsOf({ AUTH_KEY_FILE: 'k' })).toEqual([
      'AUTH_ISSUER (not set): it is needed to check tokens',
      'AUTH_AUDIENCE (not set): it is needed to check tokens',
    ]);
  });

  test('keys come from one place', () => {
    const env = { AUTH_KEY_FILE: 'k', AUTH_JWKS_URL: 'https://i', AUTH_ISSUER: 'i' };
    expect(problemsOf({ ...env, AUTH_AUDIENCE: 'a' })).toEqual([
      'AUTH_KEY_FILE ("k"): AUTH_JWKS_URL is set too: keys come from one place',
    ]);
  });

  test('all of them at once, in one error', () => {
    const env = { MAX_STREAMS: 'x', LOG_LEVEL: 'y', WRITE_GRPC_ADDRESS: 'z' };
    expect(problemsOf(env)).toHaveLength(3);
    expect(() => readConfig(env)).toThrow(/^the configuration is invalid:\n( {2}.+\n?){3}$/);
  });
});
