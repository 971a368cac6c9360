/** The server that the environment names. Without one the tests of the engine cannot be. */
export function elasticsearchUrl(): string {
  const url = process.env.ELASTICSEARCH_URL;
  if (url !== undefined && url !== '') return url;
  throw new Error('ELASTICSEARCH_URL has to name an Elasticsearch for these tests');
}

/** A request beside the ports: what an operator does by hand. */
export async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${elasticsearchUrl()}${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
}

/** Every index of a test. One by one: wildcards may be forbidden for deletes. */
export async function dropEverything(prefix: string): Promise<void> {
  const all = (await ask('GET', `/_cat/indices/${prefix}*?format=json&h=index`)) as {
    index: string;
  }[];
  for (const { index } of all) await ask('DELETE', `/${index}`);
}
