import type {
  Server,
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
} from '@grpc/grpc-js';
import { failureOfEnding } from './calls.ts';
import { grpcStatus, statusDetails } from './grpc-status.ts';
import { answerTooLarge, messageTooLarge, protocolError, rpcUnknown } from './outside.ts';
import { type Failure, failure, type StatusCode, statusCode } from './status.ts';

type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * grpc-js itself answers what never reaches a handler. Its statuses name no reason; here they get
 * ours. It sends them through the innermost call, so it is that one which is changed, not wrapped.
 */
export function explainOwnErrors(limits: { readonly maxRequestBytes: number }): ServerInterceptor {
  return ({ path }, call) => {
    const { sendStatus } = call;
    call.sendStatus = (status) => {
      const isOurs = status.code === 0 || (status.metadata?.get(statusDetails).length ?? 0) > 0;
      const told = isOurs ? status : { ...status, ...grpcStatus(explain(status, path, limits)) };
      sendStatus.call(call, told);
    };
    return call as ServerInterceptingCall;
  };
}

const received = /^Received message larger than max \((\d+) vs (\d+)\)$/;
const sent = /^Sent message larger than max \((\d+) vs\. (\d+)\)$/;
/** What grpc-js counts of a message that it sends: with the five bytes before it. */
const prefixBytes = 5;

function explain(
  { code, details = '' }: Status,
  path: string,
  { maxRequestBytes }: { readonly maxRequestBytes: number },
): Failure {
  const inbound = received.exec(details);
  if (inbound !== null) return messageTooLarge(Number(inbound[1]), Number(inbound[2]));
  const outbound = sent.exec(details);
  if (outbound !== null) {
    return answerTooLarge(Number(outbound[1]) - prefixBytes, Number(outbound[2]));
  }
  switch (code) {
    case statusCode.RESOURCE_EXHAUSTED:
      return messageTooLarge(undefined, maxRequestBytes);
    case statusCode.DEADLINE_EXCEEDED:
      return failureOfEnding('DEADLINE');
    case statusCode.UNIMPLEMENTED:
      return details.includes('does not implement')
        ? rpcUnknown(path)
        : protocolError(statusCode.UNIMPLEMENTED, details);
    case statusCode.INTERNAL:
      return /^(Failed to decompress|Invalid grpc-timeout)/.test(details)
        ? protocolError(statusCode.INVALID_ARGUMENT, details)
        : failure(statusCode.INTERNAL, 'INTERNAL', 'an internal error');
    default:
      return protocolError((code ?? statusCode.INTERNAL) as StatusCode, details);
  }
}

type AnyHandler = {
  readonly type: 'bidi';
  readonly path: string;
  readonly func: (call: { readonly emit: (event: 'error', error: object) => unknown }) => void;
  readonly serialize: (message: unknown) => Buffer;
  readonly deserialize: (bytes: Buffer) => Buffer;
};

/**
 * An RPC that is not there gets its reason too. grpc-js has no hook for it: its look-up of handlers
 * is asked first. (A version without this look-up would fail here, at the start.)
 */
export function answerUnknownRpcs(server: Server): void {
  const inner = server as unknown as { _retrieveHandler: (path: string) => unknown };
  const { _retrieveHandler: retrieve } = inner;
  if (typeof retrieve !== 'function') throw new Error('grpc-js looks its handlers up elsewhere');
  inner._retrieveHandler = (path) => retrieve.call(server, path) ?? unknownHandler(path);
}

function unknownHandler(path: string): AnyHandler {
  return {
    type: 'bidi',
    path,
    func: (call) => {
      call.emit('error', grpcStatus(rpcUnknown(path)));
    },
    serialize: () => Buffer.alloc(0),
    deserialize: (bytes) => bytes,
  };
}
