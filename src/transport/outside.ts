import { type Failure, failure, type StatusCode, statusCode } from './status.ts';

// What the RPC libraries answer themselves, because it never reaches a handler, or never leaves one:
// over every protocol with the same code, reason and words.

/** `size` is absent where reading stopped at the limit. Both in bytes, after decompression. */
export function messageTooLarge(size: number | undefined, limit: number): Failure {
  const has = size === undefined ? `more than ${limit}` : String(size);
  const text = `the message has ${has} bytes; it can have ${limit}`;
  return tooLarge('MESSAGE_TOO_LARGE', text, size, limit);
}

export function answerTooLarge(size: number, limit: number): Failure {
  const text = `the answer would have ${size} bytes; it can have ${limit}: ask for less at once`;
  return tooLarge('ANSWER_TOO_LARGE', text, size, limit);
}

function tooLarge(reason: string, text: string, size: number | undefined, limit: number): Failure {
  const metadata = {
    limit: String(limit),
    ...(size !== undefined && { size: String(size) }),
  };
  return failure(statusCode.RESOURCE_EXHAUSTED, reason, text, { metadata });
}

/** The names of service and method, as a path has them, with or without its first slash. */
export function rpcUnknown(path: string): Failure {
  const rpc = path.replace(/^\//, '').slice(0, 200);
  const text = `there is no RPC ${rpc} at this address`;
  return failure(statusCode.UNIMPLEMENTED, 'RPC_UNKNOWN', text, { metadata: { rpc } });
}

/** What breaks the rules of the protocol itself. `text` is the library's. */
export function protocolError(code: StatusCode, text: string): Failure {
  return failure(code, 'PROTOCOL_ERROR', text);
}
