import {
  AccessDeniedError,
  CancelledError,
  DeadlineExceededError,
  isCommandError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@eventstore/db-client';
import { StoreFault, type StoreFaultCode } from '../../kernel/fault.ts';

type ErrorClass = abstract new (...given: never[]) => Error;

/** The first that fits. What is none of them is a bug, or a server that this client does not know. */
const meanings: readonly (readonly [ErrorClass, StoreFaultCode, string])[] = [
  [UnavailableError, 'STORE_UNAVAILABLE', 'the event store cannot be reached'],
  [DeadlineExceededError, 'STORE_UNAVAILABLE', 'the event store did not answer in time'],
  [TimeoutError, 'STORE_UNAVAILABLE', 'the event store did not answer in time'],
  [CancelledError, 'STORE_UNAVAILABLE', 'the event store ended the call'],
  [NotLeaderError, 'STORE_UNAVAILABLE', 'the node that was asked does not lead'],
  [AccessDeniedError, 'STORE_FAILED', 'the event store denies access with these credentials'],
  [StreamDeletedError, 'STORE_FAILED', 'the stream is deleted for good'],
  [MaxAppendSizeExceededError, 'STORE_TOO_LARGE', 'the events are larger than one append may be'],
];

/** The fault that an error of the client means. `what` was not done: "cannot append to orders-1". */
export function toStoreFault(error: unknown, what: string): StoreFault {
  if (error instanceof StoreFault) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const found = meanings.find(([kind]) => error instanceof kind);
  const more = reason === '' ? '' : ` (${reason})`;
  const message = `${what}: ${found === undefined ? reason : `${found[2]}${more}`}`;
  return new StoreFault(found?.[1] ?? codeOf(error), message, { cause: error });
}

/** Discovery and broken connections throw plain errors, with gRPC's code or with that of the system. */
function codeOf(error: unknown): StoreFaultCode {
  const code: unknown = typeof error === 'object' && error !== null && Reflect.get(error, 'code');
  const unreachable = [1, 4, 14, 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT'];
  if (unreachable.includes(code as string)) return 'STORE_UNAVAILABLE';
  const message = error instanceof Error ? error.message : '';
  // A connection that the server, or what is before it, has closed with an error.
  const isBroken = code === 13 && /RST_STREAM|Session closed/.test(message);
  const isAway = isBroken || isGivenUp(error) || /discover/i.test(message);
  return isAway ? 'STORE_UNAVAILABLE' : 'STORE_FAILED';
}

/** The connection was given up, by a call that had failed, when this one was about to begin. */
function isGivenUp(error: unknown): boolean {
  return error instanceof Error && error.message === 'Channel has been shut down';
}

/** Whether the call may have taken effect all the same. */
export function isAmbiguous(error: unknown): boolean {
  return error instanceof UnknownError || toStoreFault(error, '').code === 'STORE_UNAVAILABLE';
}

/**
 * Whether a client would fail for ever after this error of an append: what a server can do is asked
 * for once, and a failure of that is forgotten only where the client connects again because of it,
 * which is after UNAVAILABLE and CANCELLED. A cluster that was not found, or did not answer in time,
 * is neither.
 */
export function needsNewClient(error: unknown): boolean {
  if (!(error instanceof Error) || isCommandError(error) || isGivenUp(error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  return code !== 14 && code !== 1 && toStoreFault(error, '').code === 'STORE_UNAVAILABLE';
}
