import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Principal } from '../kernel/principal.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type {
  FoundDocument,
  ListRequest,
  Page,
  ReadModel,
  SearchRequest,
  SearchResult,
} from './read-models.ts';

const longestId = 200;

/** What a handler may ask the read models; the bus has waited for freshness before. */
export type Reader = {
  readonly get: (model: ReadModel, id: string) => Promise<FoundDocument | undefined>;
  readonly getMany: (
    model: ReadModel,
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, FoundDocument>>;
  readonly list: (model: ReadModel, request: ListRequest) => Promise<Page<FoundDocument>>;
  readonly search: (model: ReadModel, request: SearchRequest) => Promise<SearchResult>;
};

export type QueryContext = {
  readonly reader: Reader;
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** `page` of the query, with the default size filled in; a cursor is checked by the store. */
  readonly page: { readonly limit: number; readonly after?: string };
  /** Whether a secret is the one of an argon2id hash in PHC form; takes as long without a hash. */
  readonly verifySecret: (hash: string | undefined, secret: string) => Promise<boolean>;
};

/** The answer without its `freshness`, which the bus fills in; or a refusal. */
export type Answer<M extends DescMethod> = MessageInitShape<M['output']> | Rejection;

/** The record that a query of OWNERSHIP_RECORD is about: the bus loads it and checks its owner. */
export type RecordOf<Query> = {
  readonly model: ReadModel;
  readonly id: (query: Query) => string;
  /** Keyword field of the document with the owner's subject. */
  readonly ownerField: string;
  /** "strategy": for "there is no strategy '…'". */
  readonly noun: string;
};

/**
 * The handler of one RPC of a query service. `views` are all the read models that the answer rests
 * on: its freshness is that of the one furthest behind. For a watch (a server-streaming method) the
 * bus asks again whenever one of them moves, and sends the answer when it is another one.
 */
export type QueryHandler<
  M extends DescMethodUnary | DescMethodServerStreaming =
    | DescMethodUnary
    | DescMethodServerStreaming,
> = {
  readonly method: M;
  readonly views: readonly ReadModel[];
  /** Required where the method declares OWNERSHIP_RECORD, and only there. */
  readonly record?: RecordOf<MessageShape<M['input']>>;
  /**
   * Keep the answer until a view moves: for costly ones. It rests on the query, the record and the
   * views alone, for it is told to others too: reading `principal` throws.
   */
  readonly cached?: boolean;
  readonly answer: (
    query: MessageShape<M['input']>,
    context: QueryContext,
    /** The loaded record, where `record` is declared. */
    record: FoundDocument | undefined,
  ) => Promise<Answer<M>>;
  /** Instead of `answer`, for a server-streaming method that is no watch: see `defineRun`. */
  readonly run?: Running<M>;
};

/**
 * A question whose answer is worked out piece by piece. The work is done in slices of some
 * milliseconds: an `undefined` between two of them lets others have their turn, and the run ends
 * there when its caller is gone. A refusal is its last item. How fresh the answer is, is said of
 * what the views were at its start.
 */
export type Running<M extends DescMethod> = (
  query: MessageShape<M['input']>,
  context: QueryContext,
  record: FoundDocument | undefined,
) => AsyncIterable<Answer<M> | undefined>;

/** What everybody is told of a record that is not there, or not theirs. */
export function notFound(noun: string, id: string): Rejection {
  const code = `${noun.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_NOT_FOUND`;
  return reject('NOT_FOUND', code, `there is no ${noun} '${id.slice(0, longestId)}'`);
}

/** Keeps the types of a method, its query and its answer together. */
export function defineQuery<M extends DescMethodUnary | DescMethodServerStreaming>(
  handler: QueryHandler<M>,
): QueryHandler {
  return handler as unknown as QueryHandler;
}

/** The handler of a server-streaming method that ends by itself. */
export function defineRun<M extends DescMethodServerStreaming>(
  handler: Omit<QueryHandler<M>, 'answer' | 'cached' | 'run'> & { readonly run: Running<M> },
): QueryHandler {
  const answer = () => Promise.reject(new Error(`${handler.method.name} is answered by its run`));
  return { ...handler, answer } as unknown as QueryHandler;
}

/** The read side of a bounded context: its query service, one handler for each of its methods. */
export type ReadContext = {
  readonly service: DescService;
  readonly queries: readonly QueryHandler[];
};
