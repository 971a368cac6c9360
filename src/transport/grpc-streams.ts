import type { Message } from '@bufbuild/protobuf';
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  ServerDuplexStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { RpcHandler } from '../kernel/rpc.ts';
import { failureOfEnding, type OpenCall } from './calls.ts';
import { callerDeadline, headerOf } from './grpc-call.ts';
import { grpcStatus } from './grpc-status.ts';
import { identify, malformed, type Serving } from './served.ts';
import { type Failure, failureOf } from './status.ts';

type StreamingHandler = Exclude<RpcHandler, { kind: 'unary' }>;
type Request = Message | Error;
type GrpcStream = ServerWritableStream<Request, Message> | ServerDuplexStream<Request, Message>;
type Answers = AsyncIterable<Message | Rejection>;

export function grpcServerStreaming(
  serving: Serving,
  handler: Extract<RpcHandler, { kind: 'server_streaming' }>,
): handleServerStreamingCall<Request, Message> {
  return (stream) => {
    void serve(serving, handler, stream, (call, refuse) => {
      const { request } = stream;
      if (!(request instanceof Error)) return handler.handle(request, call);
      refuse(malformed(handler.method, request.message));
      return undefined;
    });
  };
}

export function grpcBidiStreaming(
  serving: Serving,
  handler: Extract<RpcHandler, { kind: 'bidi_streaming' }>,
): handleBidiStreamingCall<Request, Message> {
  return (stream) => {
    void serve(serving, handler, stream, (call, refuse) =>
      handler.handle(
        requestsOf(stream, (error) => refuse(malformed(handler.method, error.message))),
        call,
      ),
    );
  };
}

/** Admits the call, finds its caller, and sends what the handler gives. Never throws. */
async function serve(
  serving: Serving,
  { method }: StreamingHandler,
  stream: GrpcStream,
  start: (call: OpenCall, refuse: (failure: Failure) => void) => Answers | undefined,
): Promise<void> {
  const { calls, answerFault } = serving;
  let isFinished = false;
  const finish = (failure?: Failure): void => {
    if (isFinished) return;
    isFinished = true;
    if (failure === undefined) stream.end();
    else stream.emit('error', grpcStatus(failure));
  };
  const header = headerOf(stream.metadata);
  const call = calls.open('stream', header, callerDeadline(stream.getDeadline()));
  if (isRejection(call)) return finish(failureOf(call));

  // What waits for the peer is woken when the call ends: a peer that is gone never drains.
  let wake: (() => void) | undefined;
  call.onEnd = (ending) => {
    finish(failureOfEnding(ending));
    wake?.();
  };
  stream.on('drain', () => wake?.());
  stream.once('cancelled', () => {
    const isLate = call.deadlineMs !== undefined && call.deadlineMs <= Date.now();
    calls.end(call, isLate ? 'DEADLINE' : 'CANCELLED');
  });
  const drained = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  try {
    const refused = await identify(serving, call);
    if (refused !== undefined) return finish(refused);
    // A request that is refused ends the call after the answers to those before it.
    let refusal: Failure | undefined;
    const answers = start(call, (failure) => {
      refusal = failure;
    });
    if (answers !== undefined) await send(answers, stream, () => isFinished, finish, drained);
    finish(refusal);
  } catch (error) {
    // What a handler throws because its call has ended is no fault.
    if (!isFinished) finish(answerFault(error, method, header));
  } finally {
    calls.settle(call);
  }
}

/** Sends one answer after the other, no faster than the peer takes them. */
async function send(
  answers: Answers,
  stream: GrpcStream,
  isFinished: () => boolean,
  finish: (failure: Failure) => void,
  drained: () => Promise<void>,
): Promise<void> {
  for await (const answer of answers) {
    if (isFinished()) return;
    if (isRejection(answer)) return finish(failureOf(answer));
    if (!stream.write(answer)) await drained();
    if (isFinished()) return;
  }
}

/**
 * The messages of the caller, read as fast as they are taken. Ends where the caller ends or goes
 * away, and before the first that cannot be decoded.
 */
function requestsOf(
  stream: ServerDuplexStream<Request, Message>,
  onMalformed: (error: Error) => void,
): AsyncIterable<Message> {
  let wake: (() => void) | undefined;
  let isOver = false;
  const over = (): void => {
    isOver = true;
    wake?.();
  };
  stream.on('readable', () => wake?.());
  stream.once('end', over);
  stream.once('close', over);
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const request: Request | null = stream.read();
        if (request instanceof Error) {
          onMalformed(request);
          return;
        }
        if (request !== null) yield request;
        else if (isOver) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
