import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { answerTooLarge, messageTooLarge } from './outside.ts';
import { malformed } from './served.ts';
import type { Failure } from './status.ts';

export function connectError({ code, message, details }: Failure): ConnectError {
  return new ConnectError(message, code as number as Code, undefined, [...details]);
}

const notDecompressed = /^(decompression failed$|received compressed envelope, but)/;

/**
 * connect-es itself answers what never reaches a handler: a message that cannot be decoded, one
 * that is too large. Those errors name no reason, call malformed binary INTERNAL, and quote values
 * of the request. Here they become what the same mistake gets over gRPC. Undefined: it is ours.
 */
export function explain(error: ConnectError, method: DescMethod): Failure | undefined {
  if (error.details.length > 0) return undefined;
  const binary = /^parse binary: (.*)$/s.exec(error.rawMessage)?.[1];
  if (binary !== undefined) return malformed(method, binary);
  if (notDecompressed.test(error.rawMessage)) return malformed(method, error.rawMessage);
  if (error.code === Code.InvalidArgument)
    return malformed(method, withoutValues(error.rawMessage));
  return explainSize(error.rawMessage);
}

const outOfBounds =
  /^message (?:size )?(\d+ )?is larger than configured (readMaxBytes|writeMaxBytes) (\d+)/;

function explainSize(message: string): Failure | undefined {
  const [, digits, side, limit] = outOfBounds.exec(message) ?? [];
  if (side === undefined) return undefined;
  const size = digits === undefined ? undefined : Number(digits);
  return side === 'writeMaxBytes'
    ? answerTooLarge(size ?? 0, Number(limit))
    : messageTooLarge(size, Number(limit));
}

const jsonError = /^cannot decode (.+?) from JSON:? ?(.*)$/s;
const tellsNoValue = [
  /^key "[\w.@[\]/-]{1,200}" is unknown$/,
  /^duplicate object key "[\w.@[\]/-]{1,200}"$/,
  /^maximum recursion depth of \d+ reached$/,
  /^expected [A-Za-z]+( \(\w+\))?(?=,|$)/,
  /^list item (#\d+: expected [A-Za-z]+|must not be null)/,
  /^oneof set multiple times by \w+ and \w+$/,
  /^set multiple times$/,
  /^invalid RFC 3339 string$/,
  /^must be from [\w:-]+ to [\w:-]+ inclusive$/,
  /^"@type" is (empty|invalid)$/,
  /^path names must be lowerCamelCase$/,
];

/** How the errors of JSON.parse begin. */
const notJson = /^(Unexpected|Expected|Unterminated|Bad|No number|Exponent|Invalid)/;

/**
 * Errors of the JSON reader say where and what was expected, and quote what was found, which may be
 * a secret. The quote is left out.
 */
function withoutValues(message: string): string {
  const [, where, why = ''] = jsonError.exec(message) ?? [];
  if (where === undefined)
    return message.startsWith('protocol error') ? message : 'it is malformed';
  const known = tellsNoValue.map((pattern) => pattern.exec(why)?.[0]).find(Boolean);
  if (known !== undefined) return `cannot read ${where}: ${known}`;
  const type = /^(type\.googleapis\.com\/[\w.]{1,200}) is not in the type registry$/.exec(why)?.[1];
  if (type !== undefined) return `cannot read ${where}: the type ${type} is unknown`;
  if (!notJson.test(why)) return `cannot read ${where}`;
  const place = /line \d+ column \d+|end of JSON input/.exec(why)?.[0];
  return place === undefined ? 'it is no JSON' : `it is no JSON (${place})`;
}
