import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { StoreFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Caller } from './credentials.ts';
import { CallFailure, toServerError } from './errors.ts';

/** What every call of the server has. */
export type Serving = {
  readonly authenticate: (metadata: Metadata) => Caller;
  readonly log: Log | undefined;
  /** Aborts when the server stops. */
  readonly stop: AbortSignal;
};

/**
 * Faults of the store in EventStoreDB's words: what may have been done all the same has timed out,
 * else the server is not ready. Anything else is a bug of ours.
 */
export function failureOf(error: unknown, { log }: Serving): CallFailure {
  if (error instanceof CallFailure) return error;
  if (error instanceof StoreFault) {
    log?.warn({ err: error }, 'the store has failed');
    return error.code === 'STORE_BUSY'
      ? new CallFailure(status.ABORTED, `Operation timed out: ${error.message}`)
      : new CallFailure(status.UNAVAILABLE, `Server Is Not Ready: ${error.message}`);
  }
  log?.error({ err: error }, 'a call has failed');
  return new CallFailure(status.UNKNOWN, 'Exception was thrown by handler.');
}

export function unary<Request, Response>(
  serving: Serving,
  /** `host` is the authority by which the caller has reached the server. */
  handle: (request: Request, caller: Caller, host: string) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, done) => {
    const run = async () =>
      handle(call.request, serving.authenticate(call.metadata), call.getHost());
    run().then(
      (response) => done(null, response),
      (error: unknown) => done(toServerError(failureOf(error, serving))),
    );
  };
}

/** Sends one answer after the other, no faster than the peer takes them. */
export function serverStreaming<Request, Response>(
  serving: Serving,
  handle: (request: Request, caller: Caller, signal: AbortSignal) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort();
    call.once('cancelled', abort);
    call.once('close', abort);
    call.once('error', abort);
    serving.stop.addEventListener('abort', abort);
    const run = async () => {
      const caller = serving.authenticate(call.metadata);
      for await (const answer of handle(call.request, caller, signal)) {
        if (signal.aborted) return;
        if (!call.write(answer)) await drained(call, signal);
      }
    };
    run()
      .then(
        () => endOf(call, serving.stop),
        (error: unknown) => {
          if (!call.cancelled) call.emit('error', toServerError(failureOf(error, serving)));
        },
      )
      .finally(() => serving.stop.removeEventListener('abort', abort));
  };
}

function endOf(call: ServerWritableStream<unknown, unknown>, stop: AbortSignal): void {
  if (call.cancelled) return;
  if (!stop.aborted) call.end();
  else call.emit('error', toServerError(stopping()));
}

/** Its client connects again, and goes on from its checkpoint. */
export function stopping(): CallFailure {
  return new CallFailure(status.UNAVAILABLE, 'Server is stopping');
}

/** A peer that is gone never drains: the signal wakes what waits for it. */
function drained(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done);
  });
}
