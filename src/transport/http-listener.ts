import type { IncomingMessage, ServerResponse } from 'node:http';
import http2, { type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, Server, type Socket } from 'node:net';
import { createExchanges } from './http-exchanges.ts';
import { createPlain } from './http-plain.ts';
import type { ListenAddress, Listener, TlsFiles } from './listener.ts';

export type HttpRequest = IncomingMessage | http2.Http2ServerRequest;
export type HttpResponse = ServerResponse | http2.Http2ServerResponse;

/** An HTTP/2 connection on which nothing moves takes no new streams after this long. */
const idleMs = 10 * 60_000;
/**
 * How long a stop still reads from connections of HTTP/1.1 that are kept open: a request may be on
 * its way, and there is no message that would tell its sender not to send it.
 */
const graceMs = 100;
/** How long peers may take to close their side, once nothing is answered any more. */
const farewellMs = 200;

/**
 * Listens for HTTP/1.1 and HTTP/2 on one port: with TLS as the peers agree, without it by the first
 * bytes of a connection. (Streams in both directions need HTTP/2.) `handle` must not throw.
 *
 * A stop answers whatever was written to an open connection before it; over HTTP/1.1 the answers
 * say that the connection closes. Two things HTTP/1.1 leaves no cure for: a request that is written
 * to an idle connection after the grace meets its end (a client sees the connection closed before
 * any byte of an answer, and may send what is harmless twice again), and so does a connection that
 * the system has accepted in the moment between the last look at its queue and its end.
 */
export async function listenHttp(options: {
  readonly address: ListenAddress;
  readonly tls: TlsFiles | undefined;
  readonly maxStreamsOfConnection: number;
  readonly handle: (request: HttpRequest, response: HttpResponse) => void;
}): Promise<Listener> {
  const { address, tls, maxStreamsOfConnection, handle } = options;
  const exchanges = createExchanges();
  const sessions = new Set<ServerHttp2Session>();
  const counted = (request: HttpRequest, response: HttpResponse): void => {
    exchanges.begin(request, response);
    handle(request, response);
  };
  const settings = { maxConcurrentStreams: maxStreamsOfConnection };
  const track = (session: ServerHttp2Session): void => {
    sessions.add(session);
    session.setTimeout(idleMs, () => session.close());
    session.once('close', () => sessions.delete(session));
  };
  const server: Server =
    tls === undefined
      ? createPlain(counted, http2.createServer({ settings }, counted).on('session', track))
      : http2
          .createSecureServer({ ...tls, settings, allowHTTP1: true }, counted)
          .on('session', track);
  const sockets = socketsOf(server, 'connection');
  const spoken = tls === undefined ? sockets : socketsOf(server, 'secureConnection');

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async (patience) => {
      await acceptWaiting();
      const closed = stopListening(server);
      exchanges.sayGoodbye();
      for (const session of sessions) session.close();
      const mayAsk = spoken.size > sessions.size;
      await Promise.race([patience, exchanges.idle(mayAsk ? graceMs : 0)]);
      const isCut = exchanges.count() > 0;
      // Not destroyed yet: what has come unread would reset the connection, and the answer with it.
      for (const socket of spoken) socket.end();
      const farewell = setTimeout(() => destroyAll(sockets), isCut ? 0 : farewellMs);
      await closed;
      clearTimeout(farewell);
      // Once more, in Node's own way, which stops its timers too.
      server.close();
    },
  };
}

function socketsOf(server: Server, event: 'connection' | 'secureConnection'): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on(event, (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Through one whole turn of the event loop, in which the queue of new connections is emptied. */
async function acceptWaiting(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** As a server of TCP does: one of HTTP would cut connections without looking whether they ask. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    Server.prototype.close.call(server, () => resolve());
  });
}

function destroyAll(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.destroy();
}
