import { openEventSource, openEventStore, openReadModelStore } from '../../cmd/engines.ts';
import { readConfig } from '../../src/config/config.ts';

// The engines that the environment names, as the servers open them.

/** Of what is written to Elasticsearch here, so that it can be removed. */
export type Prefix = { readonly prefix: string };

export function engineEnvironment({ prefix }: Prefix): NodeJS.ProcessEnv {
  const { EVENTSTORE_URL, ELASTICSEARCH_URL } = process.env;
  return { EVENTSTORE_URL, ELASTICSEARCH_URL, ELASTICSEARCH_INDEX_PREFIX: prefix };
}

export function areEnginesNamed(): boolean {
  const { EVENTSTORE_URL = '', ELASTICSEARCH_URL = '' } = process.env;
  return EVENTSTORE_URL !== '' && ELASTICSEARCH_URL !== '';
}

export function openEngines(prefix: Prefix) {
  const config = readConfig({ ...process.env, ...engineEnvironment(prefix) });
  return {
    eventStore: () => openEventStore(config),
    eventSource: () => openEventSource(config),
    readModelStore: () => openReadModelStore(config),
  };
}

/** Removes every index whose name begins so. */
export async function dropIndexes({ prefix }: Prefix): Promise<void> {
  const names = await askElasticsearch('GET', `/_cat/indices/${prefix}*?format=json&h=index`);
  for (const { index } of names as { readonly index: string }[]) {
    await askElasticsearch('DELETE', `/${index}`);
  }
}

/** A request of Elasticsearch's own, with JSON or lines of it. */
export async function askElasticsearch(
  method: string,
  path: string,
  body?: string | Buffer,
): Promise<unknown> {
  const response = await fetch(`${process.env.ELASTICSEARCH_URL}${path}`, {
    method,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}
