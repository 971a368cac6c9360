import type { EventStoreDBClient } from '@eventstore/db-client';

/** As far as they are used here: an event and the two requests that events go in, of google-protobuf. */
type ProposedMessage = {
  readonly getMetadataMap: () => { readonly set: (key: string, value: string) => unknown };
};
type BatchAppendRequest = { readonly getProposedMessagesList: () => readonly ProposedMessage[] };
type AppendRequest = { readonly getProposedMessage: () => ProposedMessage | undefined };

/** As far as it is used here: the stream of appends, of grpc-js. */
type AppendStream<Request> = {
  on: (event: string, listener: (...given: unknown[]) => void) => AppendStream<Request>;
  write: (request: Request, ...given: unknown[]) => boolean;
  destroy: (error: Error) => void;
};

type GrpcClient = {
  readonly batchAppend: (...given: unknown[]) => AppendStream<BatchAppendRequest>;
  readonly append: (...given: unknown[]) => AppendStream<AppendRequest>;
};

/** Client.createGRPCClient of Kurrent's client 6.2: all calls of a kind are made by what it makes. */
type CreateGrpcClient = (kind: unknown) => Promise<GrpcClient>;

const creatorName = 'createGRPCClient';
const answersPerTurn = 16;
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
 *
 * Answers are handed on a few at a time, too, and events, which are given as bytes (events.ts), are
 * said to be JSON as they leave.
 */
export function guardAppends(client: EventStoreDBClient): EventStoreDBClient {
  const original = Reflect.get(client, creatorName) as CreateGrpcClient | undefined;
  if (original === undefined) throw new Error(`this client of EventStoreDB has no ${creatorName}`);
  const guarded: CreateGrpcClient = async (kind) => guardedClient(await original(kind));
  Reflect.set(client, creatorName, guarded);
  return client;
}

function guardedClient(grpc: GrpcClient): GrpcClient {
  return new Proxy(grpc, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name === 'batchAppend')
        return (...given: unknown[]) => guardStream(target.batchAppend(...given));
      // For a server that has no BatchAppend.
      if (name === 'append') return (...given: unknown[]) => withJson(target.append(...given));
      return member.bind(target);
    },
  });
}

function guardStream(stream: AppendStream<BatchAppendRequest>): AppendStream<BatchAppendRequest> {
  const { on, write } = stream;
  let isBroken = false;
  let tellAll = () => {};
  on.call(stream, 'error', () => {
    isBroken = true;
    // What has its answer is not among what the error ends.
    tellAll();
  });
  on.call(stream, 'end', () => {
    if (isBroken) return;
    const message = 'the server ended the stream of appends';
    stream.destroy(Object.assign(new Error(message), { code: unavailable, details: message }));
  });
  stream.on = (event, listener) => {
    if (event !== 'data') return on.call(stream, event, listener);
    const turns = inTurns(withoutLateAnswers(listener));
    tellAll = turns.tellAll;
    return on.call(stream, event, turns.take);
  };
  stream.write = (request, ...given) => {
    request.getProposedMessagesList().forEach(sayJson);
    write.call(stream, request, ...given);
    return true;
  };
  return stream;
}

function withJson(stream: AppendStream<AppendRequest>): AppendStream<AppendRequest> {
  const { write } = stream;
  stream.write = (request, ...given) => {
    const message = request.getProposedMessage();
    if (message !== undefined) sayJson(message);
    return write.call(stream, request, ...given);
  };
  return stream;
}

function sayJson(message: ProposedMessage): void {
  message.getMetadataMap().set('content-type', 'application/json');
}

/**
 * Answers come many at a time, and each lets somebody go on to the next append, which leaves only when
 * the turn of the event loop ends. In small groups, the first of these are at the server while the
 * others are still being made.
 */
function inTurns(listener: (...given: unknown[]) => void) {
  let waiting: unknown[][] = [];
  const tell = (count: number) => {
    const now = waiting.slice(0, count);
    waiting = waiting.slice(count);
    if (waiting.length > 0) setImmediate(tell, answersPerTurn);
    for (const given of now) listener(...given);
  };
  return {
    take: (...given: unknown[]): void => {
      if (waiting.length === 0) setImmediate(tell, answersPerTurn);
      waiting.push(given);
    },
    tellAll: () => tell(waiting.length),
  };
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
