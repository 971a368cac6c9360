import { create, type Message } from '@bufbuild/protobuf';
import type { PageRequest } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { actsForAnyOwner } from '../kernel/access.ts';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import { type AnswerCache, questionKey } from './answer-cache.ts';
import { type Vector, vectorKey } from './freshness.ts';
import { notFound, type QueryContext } from './kit.ts';
import { fieldValue } from './messages.ts';
import type { Answered, Run } from './middleware.ts';
import type { FoundDocument, ReadModels } from './read-models.ts';
import { createReader } from './reader.ts';
import { begun } from './running.ts';

const defaultPageSize = 50;
const mostPageSize = 500;

/** `refresh`: lists and searches have to see all that the views have applied. */
export type Answering = (
  run: Run,
  vector: Vector,
  refresh: boolean,
) => Promise<Answered | Rejection>;

/** Answers a query that may be asked, by views that are fresh enough: `vector` says how fresh. */
export function createAnswering(options: {
  readonly readModels: ReadModels;
  readonly cache: AnswerCache;
  readonly verifySecret: QueryContext['verifySecret'];
  readonly now: () => number;
}): Answering {
  const { readModels, cache } = options;

  const contextOf = (run: Run, refresh: boolean): QueryContext => ({
    reader: createReader(readModels, refresh),
    get principal() {
      if (!run.route.handler.cached) return run.principal;
      throw new Error(`${run.route.method.name}: a cached answer cannot rest on who asks`);
    },
    nowMs: options.now(),
    page: pageOf(run),
    verifySecret: options.verifySecret,
  });

  return async (run, vector, refresh) => {
    const { route, query } = run;
    const { handler, method } = route;
    // The record and its owner first, also before a kept answer.
    const record = await recordOf(run, readModels);
    if (isRejection(record)) return record;
    if (handler.run !== undefined) {
      return begun(route, handler.run(query, contextOf(run, refresh), record), vector);
    }
    const compute = async (): Promise<Message | Rejection> => {
      const answer = await handler.answer(query, contextOf(run, refresh), record);
      return isRejection(answer) ? answer : create(method.output, answer);
    };
    // What its lists may lack is seen as soon as they show it.
    const mostMs = refresh ? undefined : readModels.shownWithinMs;
    const found = handler.cached
      ? cache.get(route, keyOf(run, refresh), vectorKey(vector), compute, mostMs)
      : compute();
    const answer = await found;
    return isRejection(answer) ? answer : { answer, vector };
  };
}

/** A list that was not refreshed may lack what its view has applied. */
function keyOf({ route, query }: Run, refresh: boolean): string {
  return `${questionKey(route, query)}${refresh ? ' refreshed' : ''}`;
}

/** To anybody but its owner a record does not exist: the same read, the same words. */
async function recordOf(
  { route, query, principal }: Run,
  readModels: ReadModels,
): Promise<FoundDocument | Rejection | undefined> {
  const { record } = route.handler;
  if (record === undefined) return undefined;
  const id = record.id(query);
  const found = await readModels.get(record.model, id);
  const owner = found?.document[record.ownerField];
  const own = typeof owner === 'string' && owner !== '' && owner === principal.subject;
  if (found !== undefined && (own || actsForAnyOwner(route.access, principal))) return found;
  return notFound(record.noun, id);
}

function pageOf({ route, query }: Run): QueryContext['page'] {
  const page = fieldValue(query, route.page) as PageRequest | undefined;
  const limit = Math.min(page?.pageSize || defaultPageSize, mostPageSize);
  const after = page?.cursor ?? '';
  return { limit, ...(after !== '' && { after }) };
}
