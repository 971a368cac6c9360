import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { Position } from '../kernel/position.ts';
import type { View } from './kit.ts';

/** One generation of a view: documents, checkpoint, parked events. */
export type GenerationRef = { readonly view: View; readonly generation: number };

export type GenerationInfo = {
  readonly view: string;
  readonly generation: number;
  readonly fingerprint: string;
  /** 'building': not yet switched to; 'live': answers queries; 'kept': for a rollback. */
  readonly state: 'building' | 'live' | 'kept';
  readonly checkpoint: Position;
};

/** A document and the position of the last event that changed it. */
export type StoredDocument = {
  readonly id: string;
  readonly version: Position;
  /** undefined: deleted; the version still guards it. */
  readonly document: JsonObject | undefined;
  /** Why what is stored is no document: somebody has written beside this port. */
  readonly unreadable?: string;
};

export type ParkedEvent = {
  readonly documentId: string;
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  /** Why the first of a document failed; the later ones wait behind it. */
  readonly error: string;
  readonly attempts: number;
  readonly parkedAt: number;
};

/** What one batch does to one generation. */
export type Batch = {
  readonly documents: readonly StoredDocument[];
  readonly park: readonly ParkedEvent[];
  /** Parked events that were applied or given up: removed. */
  readonly unpark: readonly { readonly documentId: string; readonly position: Position }[];
  /** Everything up to here is in the documents or parked. Absent: the checkpoint stays. */
  readonly checkpoint?: { readonly position: Position; readonly storedAt: number };
  /** Write the documents whatever the stored ones' versions: they come from a whole replay. */
  readonly overwrite?: boolean;
};

/** The projector's word on how far it is, for read servers and operators. */
export type Heartbeat = {
  readonly at: number;
  readonly lagEvents?: number;
  readonly lagSeconds: number;
  /** How many documents have parked events. */
  readonly parkedDocuments: number;
};

/** A document whose filters, sorts or search do not follow from what it says. */
export type Misindexed = {
  readonly documentId: string;
  /** `indexed`: what the engine looks at; `expected`: what it would be, made of the document. */
  readonly fields: readonly {
    readonly field: string;
    readonly indexed: JsonValue | undefined;
    readonly expected: JsonValue | undefined;
  }[];
};

/**
 * The projection side's port to the store of read models.
 *
 * - `apply` writes a document only where its version is after the stored one (position-guarded), or
 *   where its batch overwrites; it settles all of its documents before it moves the checkpoint, which
 *   never moves backwards; repeating it changes nothing. Embedded: all batches of a call are one
 *   transaction. A field that is null is as one that is absent.
 * - A document that breaks the schema, or that the store refuses for good, comes back in `refused`,
 *   with a sentence that holds no value of it. Then no checkpoint of the call has moved and nothing
 *   was parked or unparked; other documents may have been written (embedded: none). The caller
 *   applies once more, with the events of the refused documents parked.
 * - `park` replaces what is parked for the same document and position; `parked` gives all in the
 *   order of positions.
 * - `load` gives the documents (deleted ones too, as undefined with version) that exist. One that
 *   cannot be read comes, here and from `scan`, as `unreadable`, and is written over as any other.
 * - `open` creates a generation with the schema of the view as it is then, or gives it as it is.
 *   `switchTo` makes it live and the one before 'kept', in one step, and refuses while its checkpoint
 *   is before that of the live one: answers do not go back in time, unless `backwards` says that the
 *   log has. Indexes may be made then: it may take long. `drop` forgets for good one that isn't live.
 * - `scan` yields all documents that are not deleted, in ascending order of id by code points (for
 *   characters beyond U+FFFF, `<` has another order). A document is as it is when it is read.
 * - `inspect` yields the documents, of those named or of all, whose indexed form differs from what
 *   the document would be indexed as: somebody has written beside this port.
 * - `lease` gives the right to write to `owner` for so long from now, or prolongs it, and answers
 *   whether `owner` has it: false while another's lease runs. With 0 ms `owner` gives it back. It
 *   spares two projectors the same work; what guards the documents is their positions. `prolong`
 *   does so also for a lease that has ended, while nobody else has had one since; else it answers
 *   false. `leasedBy` tells who has it, undefined while nobody does.
 * - `count` is how many documents are not deleted; asking every second costs nothing.
 * - Faults of the store reject with StoreFault; a generation that isn't there, and a refusal to
 *   switch or drop, with STORE_FAILED.
 */
export type ReadModelStore = {
  readonly generations: () => Promise<readonly GenerationInfo[]>;
  readonly open: (ref: GenerationRef, fingerprint: string) => Promise<GenerationInfo>;
  readonly switchTo: (
    ref: GenerationRef,
    options?: { readonly backwards?: boolean },
  ) => Promise<void>;
  readonly drop: (ref: GenerationRef) => Promise<void>;
  readonly load: (
    ref: GenerationRef,
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, StoredDocument>>;
  readonly apply: (
    batches: readonly { readonly ref: GenerationRef; readonly batch: Batch }[],
  ) => Promise<{
    readonly refused: readonly {
      readonly ref: GenerationRef;
      readonly documentId: string;
      readonly error: string;
    }[];
  }>;
  readonly scan: (ref: GenerationRef) => AsyncIterable<StoredDocument>;
  readonly inspect: (ref: GenerationRef, ids?: readonly string[]) => AsyncIterable<Misindexed>;
  readonly lease: (owner: string, ttlMs: number) => Promise<boolean>;
  readonly prolong: (owner: string, ttlMs: number) => Promise<boolean>;
  readonly leasedBy: () => Promise<string | undefined>;
  readonly count: (ref: GenerationRef) => Promise<number>;
  readonly parked: (ref: GenerationRef) => Promise<readonly ParkedEvent[]>;
  readonly heartbeat: (ref: GenerationRef, beat: Heartbeat) => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
