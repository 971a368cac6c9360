import http from 'node:http';
import type http2 from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { HttpRequest, HttpResponse } from './http-listener.ts';

/** How long a connection may take to say what it speaks. */
const helloMs = 10_000;
/** How every HTTP/2 connection begins, and no request of HTTP/1.1. */
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A server for HTTP/1.1 that hands connections which begin as HTTP/2 does to the other. */
export function createPlain(
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
