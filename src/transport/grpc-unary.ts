import type { Message } from '@bufbuild/protobuf';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { RpcHandler } from '../kernel/rpc.ts';
import { failureOfEnding } from './calls.ts';
import { callerDeadline, headerOf } from './grpc-call.ts';
import { grpcStatus } from './grpc-status.ts';
import { identify, malformed, type Serving, weightOf } from './served.ts';
import { type Failure, failureOf } from './status.ts';

type UnaryHandler = Extract<RpcHandler, { kind: 'unary' }>;

/** A request that could not be decoded arrives as the error: grpc-js itself would say INTERNAL. */
export function grpcUnary(
  serving: Serving,
  { method, handle }: UnaryHandler,
  isProbe: boolean,
): handleUnaryCall<Message | Error, Message> {
  const { calls, answerFault } = serving;
  const weight = weightOf(method, isProbe);
  return (grpcCall, callback) => {
    const request = grpcCall.request;
    const header = headerOf(grpcCall.metadata);
    const call = calls.open(weight, header, callerDeadline(grpcCall.getDeadline()));
    if (isRejection(call)) {
      callback(grpcStatus(failureOf(call)));
      return;
    }
    call.onEnd = (ending) => callback(grpcStatus(failureOfEnding(ending)));
    // Emitted after every call, also after one that went well.
    grpcCall.once('cancelled', () => {
      const isLate = call.deadlineMs !== undefined && call.deadlineMs <= Date.now();
      calls.end(call, isLate ? 'DEADLINE' : 'CANCELLED');
    });

    const fail = (failure: Failure): void => {
      calls.settle(call);
      if (call.ending === undefined) callback(grpcStatus(failure));
    };
    const answer = (message: Message | Rejection): void => {
      if (isRejection(message)) {
        fail(failureOf(message));
      } else {
        calls.settle(call);
        if (call.ending === undefined) callback(null, message);
      }
    };
    const fault = (error: unknown): void => {
      // What a handler throws because its call has ended is no fault.
      if (call.ending === undefined) fail(answerFault(error, method, header));
      else calls.settle(call);
    };
    const attempt = (message: Message): void => {
      try {
        handle(message, call).then(answer, fault);
      } catch (error) {
        fault(error);
      }
    };
    const run = (refused: Failure | undefined): void => {
      if (refused !== undefined) fail(refused);
      else if (request instanceof Error) fail(malformed(method, request.message));
      else attempt(request);
    };

    const refused = isProbe ? undefined : identify(serving, call);
    if (refused instanceof Promise) refused.then(run, fault);
    else run(refused);
  };
}
