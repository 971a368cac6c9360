import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import type { Principal } from './principal.ts';
import type { Rejection } from './rejection.ts';

/** One call of an RPC, whatever protocol it came over. */
export type Call = {
  /** undefined: nobody that is known. */
  readonly principal: Principal | undefined;
  /** Aborts when the caller is gone, its deadline has passed, or the server stops. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, milliseconds since 1970. */
  readonly deadlineMs?: number;
  /** A request header, by lower-case name. */
  readonly header: (name: string) => string | undefined;
};

/**
 * The implementation of one RPC, the same for every protocol. A refusal is given back, or is the
 * last item of a stream; an exception is a fault, told to nobody but the log.
 */
export type RpcHandler =
  | {
      readonly kind: 'unary';
      readonly method: DescMethod;
      readonly handle: (request: Message, call: Call) => Promise<Message | Rejection>;
    }
  | {
      readonly kind: 'server_streaming';
      readonly method: DescMethod;
      readonly handle: (request: Message, call: Call) => AsyncIterable<Message | Rejection>;
    }
  | {
      readonly kind: 'bidi_streaming';
      readonly method: DescMethod;
      readonly handle: (
        requests: AsyncIterable<Message>,
        call: Call,
      ) => AsyncIterable<Message | Rejection>;
    };

export type RpcService = {
  readonly service: DescService;
  readonly handlers: readonly RpcHandler[];
};
