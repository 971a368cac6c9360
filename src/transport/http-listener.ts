import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ListenAddress, Listener, TlsFiles } from './listener.ts';

export type HttpRequest = IncomingMessage | http2.Http2ServerRequest;
export type HttpResponse = ServerResponse | http2.Http2ServerResponse;

/** How long a connection may take to say what it speaks. */
const helloMs = 10_000;
/** How every HTTP/2 connection begins, and no request of HTTP/1.1. */
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An HTTP/2 connection on which nothing moves takes no new streams after this long. */
const idleMs = 10 * 60_000;

/**
 * Listens for HTTP/1.1 and HTTP/2 on one port: with TLS as the peers agree, without it by the first
 * bytes of a connection. (Streams in both directions need HTTP/2.) `handle` must not throw.
 */
export async function listenHttp(options: {
  readonly address: ListenAddress;
  readonly tls: TlsFiles | undefined;
  readonly maxStreamsOfConnection: number;
  readonly handle: (request: HttpRequest, response: HttpResponse) => void;
}): Promise<Listener> {
  const { address, tls, maxStreamsOfConnection, handle } = options;
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  let active = 0;
  let isClosing = false;
  let onQuiet: (() => void) | undefined;

  const counted = (request: HttpRequest, response: HttpResponse): void => {
    active += 1;
    response.once('close', () => {
      active -= 1;
      if (active === 0) onQuiet?.();
    });
    if (isClosing && request.httpVersionMajor === 1) response.setHeader('Connection', 'close');
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
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

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
      isClosing = true;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.close();
      if (active > 0) {
        const quiet = new Promise<void>((resolve) => {
          onQuiet = resolve;
        });
        await Promise.race([quiet, patience]);
      }
      // No answer is on its way any more: what is left are idle connections, or patience has ended.
      for (const socket of sockets) if (active === 0) socket.destroySoon();
      const brief = setTimeout(() => destroyAll(sockets), 200);
      if (active > 0) destroyAll(sockets);
      await closed;
      clearTimeout(brief);
    },
  };
}

function destroyAll(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.destroy();
}

/** A server for HTTP/1.1 that hands connections which begin as HTTP/2 does to the other. */
function createPlain(
  handle: (request: HttpRequest, response: HttpResponse) => void,
  second: http2.Http2Server,
): Server {
  // Peers that are gone without a word are found out by the probes of TCP.
  const probes = { keepAlive: true, keepAliveInitialDelay: 60_000 };
  const server = http.createServer({ ...probes, keepAliveTimeout: 65_000 }, handle);
  const [serveHttp1] = server.listeners('connection') as ((socket: Socket) => void)[];
  if (serveHttp1 === undefined) throw new Error('an HTTP server that serves no connection');
  server.off('connection', serveHttp1);
  server.on('connection', (socket: Socket) => {
    hear(socket, (isHttp2) => {
      if (isHttp2) {
        // It reads what was put back by itself.
        second.emit('connection', socket);
      } else {
        serveHttp1.call(server, socket);
        socket.resume();
      }
    });
  });
  return server;
}

/** Tells what a connection speaks, with the bytes that told it put back. */
function hear(socket: Socket, tell: (isHttp2: boolean) => void): void {
  let hello = Buffer.alloc(0);
  const giveUp = (): void => {
    socket.destroy();
  };
  const listen = (chunk: Buffer): void => {
    hello = Buffer.concat([hello, chunk]);
    const start = hello.subarray(0, preface.length).toString('latin1');
    const isHttp2 = preface.startsWith(start);
    if (isHttp2 && start.length < preface.length) return;
    socket.pause();
    socket.off('data', listen).off('end', giveUp).off('error', giveUp);
    // Whoever takes the connection over sets its own limits.
    socket.setTimeout(0, giveUp);
    socket.unshift(hello);
    tell(isHttp2);
  };
  socket.setTimeout(helloMs, giveUp);
  socket.on('data', listen).on('end', giveUp).on('error', giveUp);
}
