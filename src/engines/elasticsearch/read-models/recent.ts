import { comparePositions, type Position, start } from '../../../kernel/position.ts';
import type { StoredDocument } from '../../../projection/read-model-store.ts';

/** Per generation that is being built: of each of two halves. */
const halfOfDocuments = 10_000;
/** 4 MB: some 1 in 100 ids of 3,000,000 is looked for in vain. */
const filterBits = 2 ** 25;
const filterHashes = 5;

/** Being written: nobody knows whether it is there. */
const unsure: StoredDocument = { id: '', version: start, document: undefined };

/**
 * What this process has written to generations that it builds, so that it need not ask Elasticsearch
 * for each document of each batch: the last documents themselves, and, of a generation that it has
 * made, which ids it may have written at all (a Bloom filter).
 *
 * It is used for a generation only while whoever builds it goes on from the checkpoint that this
 * process wrote last. Then a document from here is what the log makes it up to that point, even if
 * another process builds the same generation and is further: the position guards what it wrote. A
 * generation that is live is changed in other ways, too, and is not remembered.
 */
export function createRecent() {
  type Known = {
    /** What was written last; when it is full, it takes the place of the older ones. */
    documents: Map<string, StoredDocument>;
    older: ReadonlyMap<string, StoredDocument>;
    readonly written: Uint32Array | undefined;
    checkpoint: Position;
  };
  const generations = new Map<string, Known>();
  const nothing = () => ({ documents: new Map(), older: new Map() });

  return {
    /** The index has just been made. */
    made: (index: string) => {
      const written = new Uint32Array(filterBits / 32);
      generations.set(index, { ...nothing(), written, checkpoint: start });
    },
    /** Somebody is told this checkpoint, and may go on from there. */
    told: (index: string, checkpoint: Position, isBuilding: boolean) => {
      const known = generations.get(index);
      if (known !== undefined && comparePositions(known.checkpoint, checkpoint) === 0) return;
      generations.delete(index);
      if (!isBuilding) return;
      generations.set(index, { ...nothing(), written: undefined, checkpoint });
    },
    forget: (index: string) => generations.delete(index),
    forgetAll: () => generations.clear(),
    /** Undefined: not known. `absent`: there is none. */
    find: (index: string, id: string): StoredDocument | 'absent' | undefined => {
      const known = generations.get(index);
      if (known === undefined) return undefined;
      const document = known.documents.get(id) ?? known.older.get(id);
      if (document !== undefined && document !== unsure) return document;
      return known.written === undefined || has(known.written, id) ? undefined : 'absent';
    },
    /** Before it is written: it may be, even if that fails. */
    writing: (index: string, id: string) => {
      const known = generations.get(index);
      if (known === undefined) return;
      if (known.documents.has(id) || known.older.has(id)) known.documents.set(id, unsure);
      if (known.written !== undefined) add(known.written, id);
    },
    written: (index: string, document: StoredDocument) => {
      const known = generations.get(index);
      if (known === undefined) return;
      known.documents.set(document.id, document);
      if (known.documents.size < halfOfDocuments) return;
      known.older = known.documents;
      known.documents = new Map();
    },
    reached: (index: string, checkpoint: Position | undefined) => {
      const known = generations.get(index);
      if (known !== undefined && checkpoint !== undefined) known.checkpoint = checkpoint;
    },
  };
}

function add(filter: Uint32Array, id: string): void {
  const [first, step] = hashesOf(id);
  for (let i = 0; i < filterHashes; i += 1) {
    const bit = (first + i * step) % filterBits;
    filter[bit >>> 5] = (filter[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}

function has(filter: Uint32Array, id: string): boolean {
  const [first, step] = hashesOf(id);
  for (let i = 0; i < filterHashes; i += 1) {
    const bit = (first + i * step) % filterBits;
    if (((filter[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/**
 * Two of 32 bits, from which the others are made (Kirsch and Mitzenmacher, "Less Hashing, Same
 * Performance"): FNV-1a, and the same with its bits mixed once more as MurmurHash3 does at its end.
 */
function hashesOf(id: string): readonly [number, number] {
  let first = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) {
    first = Math.imul(first ^ id.charCodeAt(i), 0x01000193);
  }
  let second = first ^ (first >>> 16);
  second = Math.imul(second, 0x85ebca6b);
  second ^= second >>> 13;
  second = Math.imul(second, 0xc2b2ae35);
  second ^= second >>> 16;
  return [first >>> 0, (second | 1) >>> 0];
}
