import type { JsonObject } from '../kernel/json.ts';
import type { Position } from '../kernel/position.ts';

/** The fields of a read model, as the projection kit defines them. */
export type ReadField = {
  readonly kind: 'keyword' | 'text' | 'decimal' | 'integer' | 'instant' | 'boolean' | 'json';
  readonly many?: boolean;
  readonly fold?: boolean;
  readonly filter?: boolean;
  readonly sort?: boolean;
  readonly search?: number;
  readonly facet?: boolean;
};

/** What the read side has to know of a view: the projection kit's `View` is one. */
export type ReadModel = {
  readonly name: string;
  readonly schema: { readonly [field: string]: ReadField };
};

export type FilterValue = string | number | boolean;

/** All conditions of a list have to hold. The field has to be declared `filter`. */
export type Condition =
  /** One of the values; without any, no document. */
  | { readonly field: string; readonly in: readonly FilterValue[] }
  /** A half-open range: from inclusive, until exclusive. With neither, every document. */
  | { readonly field: string; readonly from?: FilterValue; readonly until?: FilterValue }
  /** None of the values; a document without the field too. */
  | { readonly field: string; readonly notIn: readonly FilterValue[] };

export type ListRequest = {
  readonly where: readonly Condition[];
  /** Declared `sort`; ties are broken by id, ascending. Documents without the field come last. */
  readonly sort?: { readonly field: string; readonly descending: boolean };
  readonly limit: number;
  /**
   * `next` of the page before, with the same conditions and sort: goes on behind its last sort key
   * and id, in the documents as they are now. So a document whose sort key does not change while
   * pages are read is neither lost nor doubled. One whose key does change is found where the new key
   * is: again, where it moved behind the place that was reached; not any more, where before it.
   */
  readonly after?: string;
};

export type FoundDocument = {
  readonly id: string;
  readonly version: Position;
  readonly document: JsonObject;
};

export type Page<Item> = {
  readonly items: readonly Item[];
  /** Opaque; absent on the last page. */
  readonly next?: string;
};

export type SearchRequest = {
  /**
   * Words: each has to match in one of the searched fields, as a whole word, as the beginning of
   * one, or with a typing error (one from four letters on, two from eight on), in this order of
   * rank. Accents and case do not matter. Empty or blank: everything, in the order of ids. Without
   * a letter or a digit: nothing. At least the first 16 words count.
   */
  readonly text: string;
  readonly where: readonly Condition[];
  /**
   * Declared `facet`: counted over all matches, most frequent first, then by value; ten each. The
   * value of a `fold` field is without case and accents, of a boolean 'true' or 'false'.
   */
  readonly facets: readonly string[];
  /** 0: the total and the facets alone. */
  readonly limit: number;
  /**
   * `next` of the page before, with the same text and conditions: goes on behind its last score and
   * id. Embedded, a score depends on its document alone: paging is as safe as that of a list.
   */
  readonly after?: string;
};

export type Hit = FoundDocument & {
  /** Higher is better, 0 without words. Ties are broken by id. */
  readonly score: number;
  /** The fields that match, as HTML: the text escaped, the words that match in `<em>`. */
  readonly highlights: readonly { readonly field: string; readonly fragments: readonly string[] }[];
};

export type SearchResult = Page<Hit> & {
  readonly total: number;
  readonly facets: readonly {
    readonly field: string;
    readonly buckets: readonly { readonly value: string; readonly count: number }[];
  }[];
};

/** How far the live generation of a view is. */
export type ViewProgress = {
  readonly position: Position;
  /** When the last event that it reflects was stored, milliseconds since 1970; 0 for none. */
  readonly asOf: number;
  readonly lagSeconds: number;
  readonly lagEvents?: number;
  /** When its projector was last heard of; 0 for never. */
  readonly heartbeatAt: number;
  /** How many documents have parked events, at the last heartbeat or since; absent: none. */
  readonly parkedDocuments?: number;
  readonly generation: number;
};

/**
 * The read side's port to the read models. It answers from the live generation, and never goes back
 * in time when that is switched. A cursor that is damaged or belongs to another question rejects
 * with InvalidCursor; a view that has no live generation yet with StoreFault STORE_UNAVAILABLE, and
 * so does a filter, sort or facet by a field that only the next generation will have.
 * `progress` is read before the documents, so that it is never ahead of them; `refresh` makes
 * what is applied up to now visible to `list` and `search` (nothing to do in an engine that reads its
 * writes).
 */
export type ReadModels = {
  readonly progress: (model: ReadModel) => Promise<ViewProgress>;
  readonly get: (model: ReadModel, id: string) => Promise<FoundDocument | undefined>;
  readonly getMany: (
    model: ReadModel,
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, FoundDocument>>;
  readonly list: (model: ReadModel, request: ListRequest) => Promise<Page<FoundDocument>>;
  readonly search: (model: ReadModel, request: SearchRequest) => Promise<SearchResult>;
  readonly refresh: (model: ReadModel) => Promise<void>;
  /** So long `list` and `search` may lack what is applied, unless refreshed. Absent: not at all. */
  readonly shownWithinMs?: number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** A cursor that was not made for this question. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';
}
