import type { EnvironmentReader } from './environment.ts';
import { brokenRule } from './event-store-url.ts';

/** Where events are kept. */
export type EventStoreConfig =
  | { readonly engine: 'sqlite'; readonly directory: string }
  | {
      readonly engine: 'eventstoredb';
      /** May hold a password: it goes into no message. */
      readonly connectionString: string;
    };

/** Where read models are kept. */
export type ReadStoreConfig =
  | { readonly engine: 'sqlite'; readonly directory: string }
  | {
      readonly engine: 'elasticsearch';
      readonly url: string;
      readonly indexPrefix: string;
      readonly requestTimeoutMs: number;
      readonly auth?:
        | { readonly apiKey: string }
        | { readonly username: string; readonly password: string };
      readonly caFile?: string;
    };

/** EventStoreDB where its URL is set, itself or by file; else the embedded log. */
export function readEventStore(read: EnvironmentReader, directory: string): EventStoreConfig {
  const connectionString = read.secret('EVENTSTORE_URL');
  if (connectionString === undefined) return { engine: 'sqlite', directory };
  const rule = brokenRule(connectionString);
  if (rule !== undefined) read.refuseSecret('EVENTSTORE_URL', rule);
  return { engine: 'eventstoredb', connectionString };
}

/** Elasticsearch where its URL is set; else the embedded read models. */
export function readReadStore(read: EnvironmentReader, directory: string): ReadStoreConfig {
  const url = read.url('ELASTICSEARCH_URL', ['http:', 'https:']);
  const indexPrefix = read.text('ELASTICSEARCH_INDEX_PREFIX') ?? 'cipherhorizon';
  if (!/^[a-z][a-z0-9_-]{0,79}$/.test(indexPrefix)) {
    const rule = 'lower case letters, digits, _ and -, from a letter on, 80 at most';
    read.refuse('ELASTICSEARCH_INDEX_PREFIX', rule);
  }
  const requestTimeoutMs = read.integer('ELASTICSEARCH_REQUEST_TIMEOUT_MS', 20_000, 1, 600_000);
  const auth = readAuth(read);
  const caFile = read.text('ELASTICSEARCH_CA_FILE');
  if (url === undefined) {
    const rule = 'it is for an Elasticsearch: set ELASTICSEARCH_URL too, or unset this';
    for (const name of elasticsearchAlone)
      if (read.text(name) !== undefined) read.refuse(name, rule);
    return { engine: 'sqlite', directory };
  }
  return {
    engine: 'elasticsearch',
    url: withoutCredentials(read, url),
    ...{ indexPrefix, requestTimeoutMs },
    ...(auth !== undefined && { auth }),
    ...(caFile !== undefined && { caFile }),
  };
}

/** Whoever sets one of them believes that there is an Elasticsearch. */
const elasticsearchAlone = ['ELASTICSEARCH_USERNAME', 'ELASTICSEARCH_CA_FILE'];

function withoutCredentials(read: EnvironmentReader, url: string): string {
  if (URL.canParse(url) && (new URL(url).username !== '' || new URL(url).password !== '')) {
    const rule = 'without user and password: ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD';
    read.refuseSecret('ELASTICSEARCH_URL', rule);
  }
  return url;
}

function readAuth(
  read: EnvironmentReader,
):
  | { readonly apiKey: string }
  | { readonly username: string; readonly password: string }
  | undefined {
  const apiKey = read.secret('ELASTICSEARCH_API_KEY');
  const password = read.secret('ELASTICSEARCH_PASSWORD');
  const username = read.text('ELASTICSEARCH_USERNAME');
  if (apiKey !== undefined) {
    const rule = 'ELASTICSEARCH_API_KEY is set too: one way to authenticate';
    if (username !== undefined) read.refuse('ELASTICSEARCH_USERNAME', rule);
    if (password !== undefined) read.refuseSecret('ELASTICSEARCH_PASSWORD', rule);
    return { apiKey };
  }
  if (username === undefined && password === undefined) return undefined;
  const beside = (other: string) => `it is needed beside ${other}`;
  if (username === undefined)
    read.refuse('ELASTICSEARCH_USERNAME', beside('ELASTICSEARCH_PASSWORD'));
  if (password === undefined)
    read.refuse('ELASTICSEARCH_PASSWORD', beside('ELASTICSEARCH_USERNAME'));
  return { username: username ?? '', password: password ?? '' };
}
