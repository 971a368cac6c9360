import type { EventStoreDBClient } from '@eventstore/db-client';

/** As far as it is used here: the stream of BatchAppend, of grpc-js. */
type AppendStream = {
  on: (event: string, listener: (...given: unknown[]) => void) => AppendStream;
  write: (...given: unknown[]) => boolean;
  destroy: (error: Error) => void;
};

type GrpcClient = { readonly batchAppend: (...given: unknown[]) => AppendStream };

/** Client.GRPCStreamCreator of Kurrent's client 6.2: every stream of a call is made by it. */
type StreamCreator = (
  kind: unknown,
  name: string,
  create: (client: GrpcClient) => unknown,
  cache?: WeakMap<object, unknown>,
) => unknown;

const creatorName = 'GRPCStreamCreator';
/** gRPC's UNAVAILABLE: the client connects again after it. */
const unavailable = 14;

/**
 * Kurrent's client keeps the appends under way of all instances of a process in one place, which it
 * empties when the stream of appends of any of them breaks. Three things that then end the process
 * or stop an instance for good are contained here; the appends that were rejected are repeated by
 * who made them.
 *
 * - An answer that still comes for an append of another instance is an uncaught TypeError: it goes
 *   nowhere instead.
 * - Appends that wait for the stream to drain are rejected twice, the second time where nobody can
 *   catch it: nothing waits. What is under way is bounded by the callers.
 * - A stream that the server has ended in order is used further, without an answer ever: it breaks.
 */
export function guardAppends(client: EventStoreDBClient): EventStoreDBClient {
  const original = Reflect.get(client, creatorName) as StreamCreator | undefined;
  if (original === undefined) throw new Error(`this client of EventStoreDB has no ${creatorName}`);
  const guarded: StreamCreator = (kind, name, create, cache) =>
    original(kind, name, (grpc) => create(guardedClient(grpc)), cache);
  Reflect.set(client, creatorName, guarded);
  return client;
}

function guardedClient(grpc: GrpcClient): GrpcClient {
  return new Proxy(grpc, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'batchAppend') return member.bind(target);
      return (...given: unknown[]) => guardStream(target.batchAppend(...given));
    },
  });
}

function guardStream(stream: AppendStream): AppendStream {
  const { on, write } = stream;
  let isBroken = false;
  on.call(stream, 'error', () => {
    isBroken = true;
  });
  on.call(stream, 'end', () => {
    if (isBroken) return;
    const message = 'the server ended the stream of appends';
    stream.destroy(Object.assign(new Error(message), { code: unavailable, details: message }));
  });
  stream.on = (event, listener) =>
    on.call(stream, event, event === 'data' ? withoutLateAnswers(listener) : listener);
  stream.write = (...given) => {
    write.apply(stream, given);
    return true;
  };
  return stream;
}

function withoutLateAnswers(listener: (...given: unknown[]) => void) {
  return (...given: unknown[]): void => {
    try {
      listener(...given);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  };
}
