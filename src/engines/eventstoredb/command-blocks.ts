import { hash } from 'node:crypto';
import type { NewEvent, RecordedEvent } from '../../kernel/event.ts';
import type { StreamName } from '../../kernel/stream-name.ts';

/** Where a command begins on its stream. */
export type Entry = { readonly key: number; readonly revision: number };

/** The commands of a range of a stream; `through` is its last revision. */
export type Block = {
  readonly from: number;
  readonly through: number;
  readonly entries: readonly Entry[];
};

const prefix = 'command-index-';
const blockType = 'cipherhorizon.platform.v1.CommandIndexBlock';
const entryBytes = 10;

export function blockStream(stream: StreamName): StreamName {
  return `${prefix}${stream}`;
}

/** Streams of blocks are this engine's own: nobody else is told of them. */
export function isBlockStream(stream: StreamName): boolean {
  return stream.startsWith(prefix);
}

/** Its id follows from what it says: whoever writes the same block writes it once. */
export function encodeBlock(stream: StreamName, { from, through, entries }: Block): NewEvent {
  const bytes = Buffer.alloc(entries.length * entryBytes);
  for (const [index, { key, revision }] of entries.entries()) {
    bytes.writeUIntBE(key, index * entryBytes, 6);
    bytes.writeUInt32BE(revision - from, index * entryBytes + 6);
  }
  const digest = hash('sha1', `${stream}\n${from}\n${through}`, 'hex');
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`];
  const id = [...parts, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-');
  const data = { from, through, commands: bytes.toString('base64') };
  return { id, type: blockType, data, metadata: {} };
}

/** undefined where it is no block. */
export function decodeBlock({ type, data }: RecordedEvent): Block | undefined {
  const { from, through, commands } = data;
  if (type !== blockType || typeof commands !== 'string') return undefined;
  if (typeof from !== 'number' || typeof through !== 'number') return undefined;
  const bytes = Buffer.from(commands, 'base64');
  const entries = Array.from({ length: Math.floor(bytes.length / entryBytes) }, (_, index) => ({
    key: bytes.readUIntBE(index * entryBytes, 6),
    revision: from + bytes.readUInt32BE(index * entryBytes + 6),
  }));
  return { from, through, entries };
}
