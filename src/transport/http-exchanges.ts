import { setTimeout as delay } from 'node:timers/promises';
import type { HttpRequest, HttpResponse } from './http-listener.ts';

type Exchange = { readonly request: HttpRequest; readonly response: HttpResponse };

/** The requests of a listener that are being answered. */
export type Exchanges = {
  readonly begin: (request: HttpRequest, response: HttpResponse) => void;
  readonly count: () => number;
  /** From now on answers of HTTP/1.1 say that their connection closes, also those under way. */
  readonly sayGoodbye: () => void;
  /** Resolves when nothing is being answered, after so long at the earliest. */
  readonly idle: (graceMs: number) => Promise<void>;
};

export function createExchanges(): Exchanges {
  const open = new Set<Exchange>();
  let isClosing = false;
  let onIdle: (() => void) | undefined;

  return {
    begin: (request, response) => {
      const exchange = { request, response };
      open.add(exchange);
      response.once('close', () => {
        open.delete(exchange);
        if (open.size === 0) onIdle?.();
      });
      if (isClosing) announce(exchange);
    },
    count: () => open.size,
    sayGoodbye: () => {
      isClosing = true;
      for (const exchange of open) announce(exchange);
    },
    idle: async (graceMs) => {
      if (graceMs > 0) await delay(graceMs);
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}

function announce({ request, response }: Exchange): void {
  if (request.httpVersionMajor !== 1 || response.headersSent) return;
  response.setHeader('Connection', 'close');
  const { socket } = request;
  // Node would destroy the socket behind the answer. Where a part of the request is still unread,
  // that resets the connection, and the peer may lose the answer: RFC 9112, 9.6. So only our side
  // is closed, and the peer closes the other when it has read to the end.
  socket.destroySoon = () => {
    socket.end();
    socket.resume();
  };
}
