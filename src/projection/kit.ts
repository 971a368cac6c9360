import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';

/**
 * What a field of a document is, for every engine alike.
 * - keyword: text compared as a whole; `fold` compares without case and accents.
 * - text: prose or names for search; never filtered or sorted by.
 * - decimal: an exact decimal string; sorted and compared by its value.
 * - integer: a safe integer. instant: milliseconds since 1970. boolean.
 * - json: kept and returned, not looked into.
 * A field with `many` holds an array; a filter matches when one element does. Fields that the
 * schema does not name are refused when a document is written.
 */
export type Field = {
  readonly kind: 'keyword' | 'text' | 'decimal' | 'integer' | 'instant' | 'boolean' | 'json';
  readonly many?: boolean;
  readonly fold?: boolean;
  /** May be filtered by. */
  readonly filter?: boolean;
  /** May be sorted by; not with `many`. */
  readonly sort?: boolean;
  /** Searched in, with this weight against other fields (1 is plain). keyword or text. */
  readonly search?: number;
  /** Counted in facets; keyword or boolean. */
  readonly facet?: boolean;
  /**
   * A short value that is mostly filtered by together with a range of a sorted field: it is kept
   * beside every sorted value, so that counting looks at no document.
   */
  readonly besideSorts?: boolean;
};

export type Schema = { readonly [field: string]: Field };

/**
 * A read model: a schema and a pure function.
 *
 * `ids` names the documents that an event touches. `project` gives a document as it is after the
 * event, the same one where nothing changes, undefined where there is (no longer) one. It does not
 * mutate `document` unless the view says `mutates`, which is for large documents: the runner then
 * hands it a document that nobody else has. Both may throw: the event is parked for that document.
 */
export type View<Document extends JsonObject = JsonObject> = {
  /** `<context>_<plural>`: unique, `[a-z][a-z0-9_]*`. */
  readonly name: string;
  /** Raised with every change of `project` that the schema does not show. */
  readonly version: number;
  readonly schema: Schema;
  /** The events that it wants; 'every' gets all, with `message` undefined for unknown types. */
  readonly events: readonly DescMessage[] | 'every';
  readonly ids: (event: ViewEvent) => readonly string[];
  readonly project: (
    document: Document | undefined,
    event: ViewEvent,
    id: string,
  ) => Document | undefined;
  /** Documents of events that the log forgets (a bounded stream): a replay may lack them. */
  readonly mayOutliveLog?: (document: Document) => boolean;
  /** Costly ones are applied in batches of a size or a time; configuration may say otherwise. */
  readonly batch?: { readonly size: number; readonly waitMs: number };
  /** Set where the documents follow from those of other views, not from events: `defineDerived`. */
  readonly derived?: Derivation;
};

/** The documents of the live generations of other views, as they are now; absent ones are left out. */
export type ReadInputs = (
  view: View,
  ids: readonly string[],
) => Promise<ReadonlyMap<string, JsonObject>>;

/**
 * How a document follows from documents of other views. Computed again whenever one that it has been
 * computed from changes; documents that come out equal are not written.
 */
export type Derivation<Document extends JsonObject = JsonObject, Kept = unknown> = {
  /** There may be a document for each of this view, with its id. */
  readonly of: View;
  /** Further views, whose documents belong to one document of `of`: `owner` is its id. */
  readonly own: readonly { readonly view: View; readonly owner: (id: string) => string }[];
  /**
   * Further views, whose documents many rest on: what has been read of them is kept in memory.
   * `subject` is what such a document is about, by its id.
   */
  readonly shared: readonly { readonly view: View; readonly subject: (id: string) => string }[];
  /** What the shared documents are about that are read for this document of `of`: no others may be. */
  readonly subjects: (document: JsonObject) => readonly string[];
  /**
   * The document, undefined where there is none, from what `read` gives and nothing else: without
   * `kept`, the document of `of` is read before shared ones. `keep` is held in memory, and given back
   * as `kept` the next time, unless a document of `of` or `own` has changed since: then all is to be
   * computed anew. The document is the same with it and without.
   * A throw leaves the document as it was, and counts it as parked.
   */
  readonly compute: (
    id: string,
    read: ReadInputs,
    kept: Kept | undefined,
  ) => Promise<{ readonly document: Document | undefined; readonly keep: Kept | undefined }>;
};

/** An event with its decoded message, after upcasting. */
export type ViewEvent<M extends Message = Message> = {
  readonly message: M | undefined;
  readonly recorded: RecordedEvent;
};

/** Keeps the types of a view's documents and events together. */
export function defineView<Document extends JsonObject>(view: View<Document>): View {
  return view as unknown as View;
}

/**
 * A read model whose documents are computed from those of other views. It is kept by the projector as
 * all others are; its position is that of the one of its inputs that is furthest behind.
 */
export function defineDerived<Document extends JsonObject, Kept>(
  view: Pick<View, 'name' | 'version' | 'schema'> & {
    readonly derived: Derivation<Document, Kept>;
  },
): View {
  const project = () => {
    throw new Error(`${view.name} is derived: it is not made of events`);
  };
  return { ...view, events: [], ids: () => [], project } as unknown as View;
}

/** The views that a derived one is computed from. */
export function inputsOf({ of, own, shared }: Derivation): readonly View[] {
  return [of, ...own.map(({ view }) => view), ...shared.map(({ view }) => view)];
}
