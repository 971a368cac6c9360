import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import { invalidArgument } from './errors.ts';
import type { Expected } from './writing.ts';

export const { Empty } = sharedPb;

export function streamNameOf(identifier: StreamIdentifier | undefined): string {
  const name = Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();
  // EventStoreDB's invalid streams: no name at all, and the metadata of a stream without a name.
  if (name === '' || name === '$$') throw invalidArgument(`'${name}' is not the name of a stream`);
  return name;
}

export function identifierOf(stream: string): StreamIdentifier {
  return new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream));
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** In lower case. A UUID is sent as text or as two halves, each a signed number of 64 bits. */
export function uuidOf(message: UUID | undefined): string {
  if (message === undefined) throw invalidArgument('an id is missing');
  const structured = message.getStructured();
  if (structured === undefined) {
    const text = message.getString().toLowerCase();
    if (!uuid.test(text)) throw invalidArgument(`'${message.getString()}' is not a UUID`);
    return text;
  }
  const most = BigInt(structured.getMostSignificantBits());
  const least = BigInt(structured.getLeastSignificantBits());
  const hex = BigInt.asUintN(64, most).toString(16).padStart(16, '0');
  const rest = BigInt.asUintN(64, least).toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}

export function uuidMessage(id: string, isStructured: boolean): UUID {
  if (!isStructured) return new sharedPb.UUID().setString(id);
  const hex = id.replaceAll('-', '');
  const half = (digits: string) => BigInt.asIntN(64, BigInt(`0x${digits}`)).toString();
  const structured = new sharedPb.UUID.Structured()
    .setMostSignificantBits(half(hex.slice(0, 16)))
    .setLeastSignificantBits(half(hex.slice(16)));
  return new sharedPb.UUID().setStructured(structured);
}

/** What the options of Append, Delete and Tombstone have in common. */
export type ExpectedRevisionOptions = {
  hasRevision(): boolean;
  getRevision(): string;
  hasAny(): boolean;
  hasNoStream(): boolean;
  hasStreamExists(): boolean;
};

export function expectedOf(options: ExpectedRevisionOptions): Expected {
  if (options.hasRevision()) return toRevision(options.getRevision());
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  throw invalidArgument("'None' is not a valid ExpectedStreamRevisionOneofCase");
}

/** Revisions and positions beyond what a number holds exactly are all the same: beyond the end. */
export function toRevision(text: string): number {
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}
