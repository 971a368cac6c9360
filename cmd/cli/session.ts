import type { DescMessage, DescMethod, DescService, Message } from '@bufbuild/protobuf';
import {
  type CallOptions,
  type Client,
  createClient,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { type Config, readConfig } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/environment.ts';
import { type ServerName, servicesOf } from '../services.ts';
import { subjectOf, tokenFor } from './credentials.ts';
import type { Rpc } from './rpc-lookup.ts';

export type SessionOptions = {
  readonly writeUrl?: string;
  readonly readUrl?: string;
  readonly projectorUrl?: string;
  readonly token?: string;
  /** Of a call that has one answer. */
  readonly timeoutMs: number;
};

/** Clients of the three servers, as the user that the token names. */
export type Session = {
  readonly config: Config;
  /** Who the token says that we are. */
  readonly subject: () => Promise<string>;
  readonly client: <S extends DescService>(service: S) => Client<S>;
  /** For calls that have one answer. */
  readonly limited: CallOptions;
  readonly call: (
    rpc: Rpc,
    requests: AsyncIterable<Message> | readonly Message[],
  ) => AsyncIterable<Message>;
  /** The server that was called last, for what an error says. */
  readonly lastServer: () => { readonly name: ServerName; readonly url: string } | undefined;
  readonly [Symbol.dispose]: () => void;
};

/** Opens no connection before the first call. Throws a ConfigError. */
export function openSession(env: Environment, options: SessionOptions): Session {
  const config = readConfig(env);
  const urls: { readonly [server in ServerName]: string } = {
    write: options.writeUrl ?? urlOf(config, 'write'),
    read: options.readUrl ?? urlOf(config, 'read'),
    projector: options.projectorUrl ?? urlOf(config, 'projector'),
  };
  const managers = new Map<ServerName, Http2SessionManager>();
  const transports = new Map<ServerName, Transport>();
  let token: Promise<string | undefined> | undefined;
  let last: ServerName | undefined;
  const tokenOnce = (): Promise<string | undefined> => {
    token ??= tokenFor(config.dataDirectory, options.token ?? env.HORIZON_TOKEN);
    return token;
  };

  function transportOf(server: ServerName): Transport {
    const known = transports.get(server);
    if (known !== undefined) return known;
    const interceptor: Interceptor = (next) => async (request) => {
      last = server;
      const bearer = await tokenOnce();
      if (bearer !== undefined) request.header.set('authorization', `Bearer ${bearer}`);
      return next(request);
    };
    const sessionManager = new Http2SessionManager(urls[server]);
    const transport = createConnectTransport({
      ...{ baseUrl: urls[server], httpVersion: '2', sessionManager },
      interceptors: [interceptor],
    });
    managers.set(server, sessionManager);
    transports.set(server, transport);
    return transport;
  }

  return {
    config,
    subject: async () => subjectOf(await tokenOnce()),
    client: (service) => createClient(service, transportOf(serverOf(service))),
    limited: { timeoutMs: options.timeoutMs },
    call: ({ method, server }, requests) =>
      call(transportOf(server), method, requests, options.timeoutMs),
    lastServer: () => (last === undefined ? undefined : { name: last, url: urls[last] }),
    [Symbol.dispose]: () => {
      for (const manager of managers.values()) manager.abort();
    },
  };
}

function urlOf({ servers, tls }: Config, server: ServerName): string {
  const { host, port } = servers[server].http;
  return `${tls === undefined ? 'http' : 'https'}://${reachable(host)}:${port}`;
}

/** A server that listens on every address is reached on this machine's own. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function serverOf(service: DescService): ServerName {
  for (const [server, services] of Object.entries(servicesOf)) {
    if (services.includes(service)) return server as ServerName;
  }
  throw new Error(`${service.typeName} is not in services.ts`);
}

async function* call(
  transport: Transport,
  method: DescMethod,
  requests: AsyncIterable<Message> | readonly Message[],
  timeoutMs: number,
): AsyncIterable<Message> {
  if (method.methodKind === 'unary') {
    for await (const request of requests) {
      const unary = method as DescMethod & { readonly methodKind: 'unary'; input: DescMessage };
      const { message } = await transport.unary(unary, undefined, timeoutMs, undefined, request);
      yield message;
    }
    return;
  }
  const { message } = await transport.stream(
    method as Parameters<Transport['stream']>[0],
    ...[undefined, undefined, undefined],
    toAsync(requests),
  );
  yield* message;
}

async function* toAsync(messages: AsyncIterable<Message> | readonly Message[]) {
  for await (const message of messages) yield message;
}
