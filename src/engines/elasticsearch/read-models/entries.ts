import { hash } from 'node:crypto';
import { StoreFault } from '../../../kernel/fault.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { type Position, start } from '../../../kernel/position.ts';
import type {
  Heartbeat,
  ParkedEvent,
  StoredDocument,
} from '../../../projection/read-model-store.ts';
import type { Layout } from './layout.ts';
import { fromText, toText } from './positions.ts';
import { type Derived, derive } from './values.ts';

// What the entries of an index are written as, and read back from. See mappingOf for the fields.

/** An entry as a search or a get gives it. */
export type Source = {
  readonly k?: string;
  readonly id?: string;
  readonly at?: string;
  readonly base?: string;
  readonly doc?: JsonObject;
  readonly meta?: Readonly<Record<string, unknown>>;
} & Derived;

/** What is read of an entry to know its document. */
export const documentFields = ['k', 'id', 'at', 'doc'];

export function toDocumentSource(
  layout: Layout,
  { id, version, document }: StoredDocument,
): string {
  const start = `"id":${JSON.stringify(id)},"at":"${toText(version)}"`;
  if (document === undefined) return `{"k":"x",${start}}`;
  const { f, words, lines } = derive(layout, document);
  // Words are letters and digits only, which JSON takes as they are.
  const search = words === undefined ? '' : `"words":"${words}","lines":"${lines}",`;
  return `{"k":"d",${start},"f":${JSON.stringify(f)},${search}"doc":${JSON.stringify(document)}}`;
}

/** Undefined where the entry is no document. */
export function toStored(source: Source | undefined): StoredDocument | undefined {
  if (source?.k !== 'd' && source?.k !== 'x') return undefined;
  const { k, id, doc } = source;
  const version = fromText(source.at);
  if (version === undefined || id === undefined || (k === 'd' && doc === undefined)) {
    throw new StoreFault('STORE_CORRUPT', `the entry of the document "${id}" is not whole`);
  }
  return { id, version, document: k === 'd' ? doc : undefined };
}

export function toCheckpointSource(position: Position, storedAt: number): string {
  return JSON.stringify({ k: 'm', at: toText(position), meta: { asOf: storedAt } });
}

export function fromCheckpoint(source: Source | undefined): {
  readonly position: Position;
  readonly asOf: number;
} {
  return {
    position: fromText(source?.at) ?? start,
    asOf: numberOf(source?.meta?.asOf),
  };
}

/** In the index of progress; see createProgress. */
export function toReachSource(base: Position, position: Position, storedAt: number): string {
  return JSON.stringify({ base: toText(base), at: toText(position), meta: { asOf: storedAt } });
}

export function toHeartbeatSource(beat: Heartbeat): string {
  return JSON.stringify({ meta: beat });
}

export function fromHeartbeat(source: Source | undefined): Heartbeat {
  const { at, lagEvents, lagSeconds, parkedDocuments } = source?.meta ?? {};
  return {
    at: numberOf(at),
    lagSeconds: numberOf(lagSeconds),
    parkedDocuments: numberOf(parkedDocuments),
    ...(typeof lagEvents === 'number' && { lagEvents }),
  };
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** A hash: a document's id may be as long as an entry's can be. */
export function parkedEntryId(documentId: string, position: Position): string {
  return `~parked-${hash('sha256', `${toText(position)} ${documentId}`, 'hex')}`;
}

export function toParkedSource(event: ParkedEvent): string {
  const { position, ...meta } = event;
  return JSON.stringify({ k: 'p', at: toText(position), meta });
}

export function toParked(source: Source): ParkedEvent {
  const position = fromText(source.at) ?? start;
  return { ...(source.meta as Omit<ParkedEvent, 'position'>), position };
}
