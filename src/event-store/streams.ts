import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  ReadReq,
  ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  ServerDuplexStream,
  ServerReadableStream,
} from '@grpc/grpc-js';
import { demandAccess, mayAccess } from './access.ts';
import { createAppend } from './append.ts';
import { createBatchAppend } from './batch-append.ts';
import { failureOf, type Serving, serverStreaming, stopping, unary } from './calls.ts';
import type { Caller } from './credentials.ts';
import { deleteStream, removalOf, tombstoneStream } from './deletes.ts';
import { type CallFailure, handlerFailure, toServerError } from './errors.ts';
import type { WireLog } from './log.ts';
import { streamNameOf } from './messages.ts';
import { readRequest } from './read-request.ts';
import { readAll, readStream } from './reads.ts';
import { subscribeToAll, subscribeToStream } from './subscriptions.ts';

export type StreamsOptions = {
  readonly log: WireLog;
  readonly serving: Serving;
  readonly maxAppendBytes: number;
};

/** The Streams service of EventStoreDB. */
export function createStreams({ log, serving, maxAppendBytes }: StreamsOptions): IStreamsServer {
  async function* read(request: ReadReq, caller: Caller, signal: AbortSignal) {
    const wanted = readRequest(request);
    await demandAccess(log, caller, 'read', wanted.kind === 'all' ? '$all' : wanted.stream);
    yield* answersTo(log, wanted, signal);
  }

  const remover =
    <Response>(run: (log: WireLog, removal: ReturnType<typeof removalOf>) => Promise<Response>) =>
    async (request: Parameters<typeof removalOf>[0], caller: Caller): Promise<Response> => {
      const removal = removalOf(request);
      await demandAccess(log, caller, 'delete', removal.stream);
      return run(log, removal);
    };

  const append: handleClientStreamingCall<AppendReq, AppendResp> = (call, done) => {
    const appending = createAppend(log, maxAppendBytes);
    const run = async () => {
      const caller = serving.authenticate(call.metadata);
      let isFirst = true;
      for await (const request of requestsOf(call)) {
        appending.take(request);
        if (!isFirst) continue;
        isFirst = false;
        const stream = streamNameOf(request.getOptions()?.getStreamIdentifier());
        await demandAccess(log, caller, 'write', stream);
      }
      // A connection that closes in order ends what comes of the call, as if that had been all of it.
      await nextTurn();
      if (call.cancelled) throw handlerFailure('the call was cut off before its end');
      return appending.finish();
    };
    run().then(
      (response) => done(null, response),
      (error: unknown) => {
        if (!call.cancelled) done(toServerError(failureOf(error, serving)));
      },
    );
  };

  return {
    append,
    read: serverStreaming<ReadReq, ReadResp>(serving, read),
    delete: unary(serving, remover(deleteStream)),
    tombstone: unary(serving, remover(tombstoneStream)),
    batchAppend: batchAppendOf(log, serving, maxAppendBytes),
  };
}

function answersTo(
  log: WireLog,
  wanted: ReturnType<typeof readRequest>,
  signal: AbortSignal,
): AsyncIterable<ReadResp> {
  if (wanted.kind === 'stream') {
    if (wanted.how.kind === 'subscription') return subscribeToStream(log, wanted, signal);
    return readStream(log, wanted, wanted.how);
  }
  if (wanted.how.kind === 'subscription') return subscribeToAll(log, wanted, signal);
  return readAll(log, wanted, wanted.how);
}

/** What the caller sends. The call stays open when it has ended: there are answers to come. */
function requestsOf<Request>(
  call: ServerReadableStream<Request, unknown> | ServerDuplexStream<Request, unknown>,
): AsyncIterable<Request> {
  return call.iterator({ destroyOnReturn: false });
}

function batchAppendOf(
  log: WireLog,
  serving: Serving,
  maxAppendBytes: number,
): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => {
    const run = async () => {
      const caller = serving.authenticate(call.metadata);
      const batch = createBatchAppend({
        log,
        maxAppendBytes,
        mayWrite: (stream) => mayAccess(log, caller, 'write', stream),
        toFailure: (fault) => failureOf(fault, serving),
        answer: (response) => {
          if (!call.cancelled) call.write(response);
        },
      });
      const onStop = () => void batch.settle().then(() => end(call, stopping()));
      serving.stop.addEventListener('abort', onStop);
      try {
        for await (const request of requestsOf(call)) await batch.take(request);
        await batch.settle();
      } finally {
        serving.stop.removeEventListener('abort', onStop);
        batch.close();
      }
    };
    run().then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) end(call, failureOf(error, serving));
      },
    );
  };
}

function end(call: ServerDuplexStream<unknown, unknown>, failure: CallFailure): void {
  call.emit('error', toServerError(failure));
}
