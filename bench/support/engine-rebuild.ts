import { END, EventStoreDBClient, START } from '@eventstore/db-client';
import type { NewEvent } from '../../src/kernel/event.ts';
import { type Built, build } from './build-views.ts';
import { askElasticsearch, openEngines, type Prefix } from './engines.ts';
import { tradingMix } from './trading-mix.ts';

const eventsAtOnce = 500;
const documentsOfRequest = 1_000;
const requestsAtOnce = 4;
const sampled = 2_000;

/** Appends to the event store, each stream in its order. */
export async function appendTradingMix(input: Prefix & { readonly count: number }): Promise<void> {
  await using store = openEngines(input).eventStore();
  let chunk = new Map<string, NewEvent[]>();
  let size = 0;
  const flush = async () => {
    await Promise.all([...chunk].map(([stream, events]) => store.append(stream, 'any', events)));
    chunk = new Map();
    size = 0;
  };
  for (const { stream, event } of tradingMix(input.count)) {
    const events = chunk.get(stream);
    if (events === undefined) chunk.set(stream, [event]);
    else events.push(event);
    size += 1;
    if (size === eventsAtOnce) await flush();
  }
  await flush();
}

/** Builds one view in Elasticsearch, from the whole log. */
export async function rebuildView(input: Prefix & { readonly view: string }): Promise<Built> {
  const engines = openEngines(input);
  await using source = engines.eventSource();
  await using store = engines.readModelStore();
  return await build(source, store, [input.view]);
}

/** Kurrent's client alone, subscribed to everything from the start. */
export async function readBySubscription(): Promise<{ events: number; seconds: number }> {
  const client = EventStoreDBClient.connectionString(process.env.EVENTSTORE_URL ?? '');
  let end = 0n;
  const last = { direction: 'backwards', fromPosition: END, maxCount: 1 } as const;
  for await (const { event } of client.readAll(last)) {
    end = event?.position.commit ?? 0n;
  }
  const startedAt = performance.now();
  let events = 0;
  const subscription = client.subscribeToAll({ fromPosition: START });
  await new Promise<void>((resolve, reject) => {
    subscription.on('error', reject);
    subscription.on('data', ({ event }) => {
      if (event === undefined) return;
      events += 1;
      if (event.position.commit >= end) resolve();
    });
  });
  const seconds = (performance.now() - startedAt) / 1000;
  await subscription.unsubscribe();
  await client.dispose();
  return { events, seconds };
}

/**
 * Bulk requests and nothing else: as many documents as a view has, of the same contents, into an
 * index with the same mapping, with external versions, no refresh and no replica.
 * @returns seconds
 */
export async function writeByBulk(
  input: Prefix & { readonly view: string; readonly documents: number },
): Promise<number> {
  const { prefix, view, documents } = input;
  const from = await indexOf(prefix, view);
  const sources = await sample(from);
  const index = `${prefix}-bare`;
  await createLike(from, index);
  const bodies: (() => Buffer)[] = [];
  for (let done = 0; done < documents; done += documentsOfRequest) {
    const count = Math.min(documentsOfRequest, documents - done);
    bodies.push(() => bodyOf(sources, done, count));
  }
  const startedAt = performance.now();
  const send = async () => {
    for (let next = bodies.shift(); next !== undefined; next = bodies.shift()) {
      const path = `/${index}/_bulk?filter_path=errors`;
      const { errors } = (await askElasticsearch('POST', path, next())) as { errors: boolean };
      if (errors) throw new Error('a document was refused');
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, send));
  return (performance.now() - startedAt) / 1000;
}

function bodyOf(sources: readonly string[], first: number, count: number): Buffer {
  const lines: string[] = [];
  for (let i = first; i < first + count; i += 1) {
    const id = `document-${i}`;
    lines.push(
      `{"index":{"_id":"${id}","version":${i + 1},"version_type":"external"}}`,
      sources[i % sources.length] ?? '{}',
    );
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The one of the view that has most documents. */
async function indexOf(prefix: string, view: string): Promise<string> {
  const path = `/_cat/indices/${prefix}*?format=json&h=index,docs.count`;
  const found = (await askElasticsearch('GET', path)) as readonly {
    readonly index: string;
    readonly 'docs.count': string;
  }[];
  const own = found.filter(({ index }) => index.includes(view));
  const [largest] = own.sort((a, b) => Number(b['docs.count']) - Number(a['docs.count']));
  if (largest === undefined) throw new Error(`there is no index of ${view}`);
  return largest.index;
}

async function sample(index: string): Promise<readonly string[]> {
  const { hits } = (await askElasticsearch('GET', `/${index}/_search?size=${sampled}`)) as {
    readonly hits: { readonly hits: readonly { readonly _source: unknown }[] };
  };
  return hits.hits.map(({ _source }) => JSON.stringify(_source));
}

async function createLike(from: string, index: string): Promise<void> {
  const answer = (await askElasticsearch('GET', `/${from}`)) as Record<
    string,
    { readonly mappings: object; readonly settings: { readonly index: Record<string, unknown> } }
  >;
  const { mappings, settings } = answer[from] ?? { mappings: {}, settings: { index: {} } };
  const { analysis } = settings.index;
  const own = {
    ...(analysis !== undefined && { analysis }),
    ...{ number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' },
  };
  const body = JSON.stringify({ mappings, settings: { index: own } });
  await askElasticsearch('PUT', `/${index}`, body);
}
