import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js';
import { tombstone } from './log.ts';
import type { Expected } from './writing.ts';

/** How EventStoreDB ends a call that fails: a status, and trailers from which clients make errors. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly code: status;
  readonly trailers: Readonly<Record<string, string>>;

  constructor(code: status, details: string, trailers: Readonly<Record<string, string>> = {}) {
    super(details);
    this.code = code;
    this.trailers = trailers;
  }
}

export function streamDeleted(stream: string): CallFailure {
  return new CallFailure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });
}

/** Of Delete and Tombstone; Append and BatchAppend answer with a message of their own. */
export function wrongExpectedVersion(
  stream: string,
  expected: Expected,
  actual: number,
): CallFailure {
  const [wanted, found] = [expectedNumber(expected), wireRevision(actual)];
  return new CallFailure(
    status.FAILED_PRECONDITION,
    `Delete failed due to WrongExpectedVersion. Stream: ${stream}, ` +
      `Expected version: ${wanted}, Actual version: ${found}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': wanted,
      'actual-version': found,
    },
  );
}

export function maximumAppendSizeExceeded(maxAppendBytes: number): CallFailure {
  const details = `Maximum Append Size of ${maxAppendBytes} Exceeded.`;
  return new CallFailure(status.INVALID_ARGUMENT, details, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(maxAppendBytes),
  });
}

export function missingMetadata(property: string): CallFailure {
  const details = `Required Metadata Property '${property}' is missing`;
  return new CallFailure(status.INVALID_ARGUMENT, details, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });
}

export function accessDenied(): CallFailure {
  return new CallFailure(status.PERMISSION_DENIED, 'Access Denied', {
    exception: 'access-denied',
  });
}

export function invalidArgument(details: string): CallFailure {
  return new CallFailure(status.INVALID_ARGUMENT, details);
}

/** What EventStoreDB's own handlers throw reaches clients as UNKNOWN. */
export function handlerFailure(details: string): CallFailure {
  return new CallFailure(status.UNKNOWN, `Exception was thrown by handler. ${details}`);
}

export function toServerError(failure: CallFailure): ServerErrorResponse & { metadata: Metadata } {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(failure.trailers)) metadata.set(key, trailer(value));
  return Object.assign(new Error(failure.message), {
    code: failure.code,
    details: failure.message,
    metadata,
  });
}

/** Trailers are ASCII; what is not is lost, as a client would not know of any encoding. */
function trailer(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?');
}

/** As EventStoreDB counts: the conditions are negative numbers. */
export function expectedNumber(expected: Expected): string {
  if (expected === 'any') return '-2';
  if (expected === 'no_stream') return '-1';
  if (expected === 'stream_exists') return '-4';
  return String(expected);
}

export function wireRevision(revision: number): string {
  return revision === tombstone ? '9223372036854775807' : String(revision);
}
