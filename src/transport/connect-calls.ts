import type { DescMethod, Message } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import { failureOfEnding, type OpenCall } from './calls.ts';
import { connectError, explain } from './connect-errors.ts';
import type { Serving } from './served.ts';
import { type Failure, failureOf } from './status.ts';

type Answers = AsyncIterable<Message | Rejection>;

export function connectUnary(
  { calls, answerFault }: Serving,
  method: DescMethod,
  call: OpenCall,
  handle: (call: OpenCall) => Promise<Message | Rejection>,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const fail = (failure: Failure): void => reject(connectError(failure));
    call.onEnd = (ending) => fail(failureOfEnding(ending));
    const answer = (message: Message | Rejection): void => {
      calls.settle(call);
      if (isRejection(message)) fail(failureOf(message));
      else resolve(message);
    };
    const fault = (error: unknown): void => {
      calls.settle(call);
      if (call.ending === undefined) fail(answerFault(error, method, call.header));
    };
    try {
      if (call.ending === undefined) handle(call).then(answer, fault);
      else call.onEnd(call.ending);
    } catch (error) {
      fault(error);
    }
  });
}

/** What the handler gives, until it is done or the call ends, whichever is first. */
export function connectStream(
  { calls, answerFault }: Serving,
  method: DescMethod,
  call: OpenCall,
  start: (call: OpenCall, refuse: (failure: Failure) => void) => Answers,
): AsyncIterable<Message> {
  // A request that is refused ends the call after the answers to those before it.
  let refusal: Failure | undefined;
  let source: AsyncIterator<Message | Rejection> | undefined;

  // A handler keeps its place until it is really done, also where nobody waits for it any more.
  const close = async (): Promise<void> => {
    try {
      await source?.return?.();
    } catch (error) {
      if (call.ending === undefined) answerFault(error, method, call.header);
    }
    calls.settle(call);
  };

  async function step(): Promise<IteratorResult<Message>> {
    let item: IteratorResult<Message | Rejection>;
    try {
      source ??= start(call, (failure) => {
        refusal = failure;
      })[Symbol.asyncIterator]();
      item = await source.next();
    } catch (error) {
      calls.settle(call);
      // What a handler throws because its call has ended is no fault, and nobody waits for it.
      if (call.ending !== undefined) throw error;
      throw connectError(answerFault(error, method, call.header));
    }
    if (item.done === true) {
      calls.settle(call);
      if (refusal !== undefined) throw connectError(refusal);
      return { done: true, value: undefined };
    }
    if (!isRejection(item.value)) return { done: false, value: item.value };
    void close();
    throw connectError(failureOf(item.value));
  }

  const next = () =>
    new Promise<IteratorResult<Message>>((resolve, reject) => {
      call.onEnd = (ending) => {
        reject(connectError(failureOfEnding(ending)));
        void close();
      };
      if (call.ending !== undefined) call.onEnd(call.ending);
      else step().then(resolve, reject);
    });
  const stop = async (): Promise<IteratorResult<Message>> => {
    await close();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
}

/**
 * The messages of the caller, up to the first that cannot be decoded or to where the connection
 * breaks. The call is told; the handler sees the end of the requests.
 */
export async function* readable(
  requests: AsyncIterable<Message>,
  method: DescMethod,
  refuse: (failure: Failure) => void,
  { calls }: Serving,
  call: OpenCall,
): AsyncIterable<Message> {
  try {
    yield* requests;
  } catch (error) {
    const failure = error instanceof ConnectError ? explain(error, method) : undefined;
    if (failure === undefined) calls.end(call, 'CANCELLED');
    else refuse(failure);
  }
}
