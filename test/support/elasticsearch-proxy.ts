import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { elasticsearchUrl } from './elasticsearch.ts';

export type Passing = { readonly method: string; readonly path: string; readonly body: string };

/**
 * What becomes of a request: it passes; nobody answers; it passes and its answer is lost; it is
 * answered in the server's place; or, of a bulk, the items that are named have no room.
 */
export type Fate =
  | 'pass'
  | 'hang'
  | 'cut'
  | { readonly status: number; readonly body: unknown }
  | { readonly full: (item: number, id: string) => boolean };

export type ElasticsearchProxy = AsyncDisposable & {
  readonly url: string;
  /** Decides from now on; everything passes until then. */
  readonly decide: (fate: (passing: Passing) => Fate) => void;
  /** Every request so far, without its parameters. */
  readonly seen: readonly Passing[];
  readonly authorizations: readonly (string | undefined)[];
  readonly accepted: readonly (string | undefined)[];
};

/**
 * Stands before the real server and does to it what networks and load do.
 * @param product what it says it is
 * @param options.target another server than that of the environment
 * @param options.remembers false for long runs: nothing is `seen`
 */
export async function startProxy(
  product = 'Elasticsearch',
  { target = '', remembers = true }: { target?: string; remembers?: boolean } = {},
): Promise<ElasticsearchProxy> {
  const serverUrl = target === '' ? elasticsearchUrl() : target;
  let fateOf: (passing: Passing) => Fate = () => 'pass';
  const seen: Passing[] = [];
  const authorizations: (string | undefined)[] = [];
  const accepted: (string | undefined)[] = [];

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const { method = 'GET', url = '/' } = incoming;
    const passing = { method, path: url.split('?')[0] ?? '', body };
    if (remembers) {
      seen.push(passing);
      authorizations.push(incoming.headers.authorization);
      accepted.push(incoming.headers.accept);
    }
    const fate = fateOf(passing);
    if (fate === 'hang') return;
    if (typeof fate === 'object' && 'status' in fate) {
      answer(outgoing, fate.status, fate.body);
      return;
    }
    const isFull = typeof fate === 'object' ? fate.full : () => false;
    const operations = passing.path.endsWith('/_bulk') ? operationsOf(body) : [];
    const full = operations.map(({ id }, i) => isFull(i, id));
    const taken = operations.filter((_, i) => !full[i]);
    const toSend = full.includes(true) ? taken.map((one) => one.lines).join('') : body;
    if (full.includes(true) && taken.length === 0) {
      answer(outgoing, 200, { errors: true, items: full.map(() => noRoom) });
      return;
    }
    const { status, said } = await forward(serverUrl, incoming, toSend);
    if (fate === 'cut') {
      outgoing.destroy();
      return;
    }
    if (!full.includes(true)) {
      answer(outgoing, status, said);
      return;
    }
    const done = [...(said as { items: unknown[] }).items];
    const items = full.map((isOut) => (isOut ? noRoom : done.shift()));
    answer(outgoing, 200, { errors: true, items });
  }

  function answer(outgoing: ServerResponse, status: number, body: unknown): void {
    const json = 'application/vnd.elasticsearch+json;compatible-with=8';
    outgoing.writeHead(status, { 'content-type': json, 'x-elastic-product': product });
    outgoing.end(JSON.stringify(body));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decide: (fate) => {
      fateOf = fate;
    },
    seen,
    authorizations,
    accepted,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const noRoom = {
  index: {
    status: 429,
    error: { type: 'es_rejected_execution_exception', reason: 'rejected execution of a primary' },
  },
};

async function forward(serverUrl: string, incoming: IncomingMessage, body: string) {
  const { host: _, 'content-length': __, ...headers } = incoming.headers;
  const sent = request(`${serverUrl}${incoming.url}`, {
    method: incoming.method ?? 'GET',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const said = await text(response);
  return { status: response.statusCode ?? 0, said: said === '' ? undefined : JSON.parse(said) };
}

/** The operations of a bulk, each with its lines. */
function operationsOf(body: string): readonly { readonly id: string; readonly lines: string }[] {
  const lines = body.split('\n');
  const operations: { id: string; lines: string }[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    if (line === '') continue;
    const action = JSON.parse(line) as Readonly<Record<string, { _id: string }>>;
    const id = Object.values(action)[0]?._id ?? '';
    if ('delete' in action) {
      operations.push({ id, lines: `${line}\n` });
    } else {
      operations.push({ id, lines: `${line}\n${lines[i + 1]}\n` });
      i += 1;
    }
  }
  return operations;
}
