import type { Message } from '@bufbuild/protobuf';
import type { ReadConsistency } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { isRejection } from '../kernel/rejection.ts';
import type { Call, RpcHandler, RpcService } from '../kernel/rpc.ts';
import type { BusMetrics, Log } from '../kernel/telemetry.ts';
import type { Validate } from '../kernel/validation.ts';
import { createAnswerCache } from './answer-cache.ts';
import { createAnswering } from './answering.ts';
import { createRoutes, type QueryRoute } from './catalogue.ts';
import { orRefusal, refusingFaults } from './faults.ts';
import { createFreshnessWait, readVector, wishOf } from './freshness.ts';
import type { QueryContext, ReadContext } from './kit.ts';
import { fieldValue, stamped } from './messages.ts';
import {
  authorising,
  compose,
  type Handle,
  logging,
  measuring,
  type Run,
  tracing,
  validating,
} from './middleware.ts';
import { createPolling, type Until } from './polling.ts';
import type { ReadModels } from './read-models.ts';
import { createRunning } from './running.ts';
import { createWatch } from './watch.ts';

export type QueryLimits = {
  /** Queries that wait for freshness at the same time; beyond it one is refused at once. */
  readonly waiting: number;
  /** Answers of costly queries that are kept. */
  readonly cachedAnswers: number;
  /** Of their encoded form, all together. */
  readonly cachedBytes: number;
  /** A kept answer is asked for again after this, and a watch asks again, moved view or not. */
  readonly maxAgeMs: number;
  /** Questions that are worked out piece by piece at the same time; one more is refused. */
  readonly runs: number;
  /** Least time between two answers of a watch. */
  readonly watchEveryMs: number;
};

export const defaultQueryLimits: QueryLimits = {
  waiting: 512,
  cachedAnswers: 2_000,
  cachedBytes: 64 * 1024 * 1024,
  maxAgeMs: 10_000,
  runs: 8,
  watchEveryMs: 50,
};

export type QueryBusOptions = {
  readonly contexts: readonly ReadContext[];
  readonly readModels: ReadModels;
  readonly verifySecret: QueryContext['verifySecret'];
  readonly validate: Validate;
  readonly metrics: BusMetrics;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly limits?: Partial<QueryLimits>;
};

const nobody = { subject: '', roles: [] };

/**
 * The query services of the contexts. The way of every query is the same, in this order: log,
 * metrics, trace, authorise, validate, wait for freshness, the record and its owner, answer.
 * @throws Error at start, naming what a proto or a registration lacks.
 */
export function createQueryBus(options: QueryBusOptions): readonly RpcService[] {
  const { log } = options;
  const limits = { ...defaultQueryLimits, ...options.limits };
  const readModels = refusingFaults(options.readModels, log);
  const until = createPolling(readModels.progress);
  const { ask, again } = createAsking({ ...options, readModels, until, limits });
  const watch = createWatch({ until, again, limits });
  const running = createRunning({ mostRuns: limits.runs });
  const middleware = [
    logging(log),
    measuring(options.metrics),
    tracing(),
    authorising(),
    validating(options.validate),
  ];
  const toRpc = (route: QueryRoute): RpcHandler => {
    const { method } = route;
    const handle = compose(middleware, route, ask);
    if (method.methodKind === 'server_streaming') {
      const follow = route.handler.run === undefined ? watch : running;
      const stream = (query: Message, call: Call) => follow(runOf(route, query, call), handle);
      return { kind: 'server_streaming', method, handle: stream };
    }
    const unary = async (query: Message, call: Call) => {
      const outcome = await handle(runOf(route, query, call));
      return isRejection(outcome) ? outcome : stamped(route, outcome);
    };
    return { kind: 'unary', method, handle: unary };
  };
  return options.contexts.map((context) => ({
    service: context.service,
    handlers: createRoutes(context).map(toRpc),
  }));
}

function runOf(route: QueryRoute, query: Message, call: Call): Run {
  return { route, query, call, principal: call.principal ?? nobody };
}

type AskingOptions = Pick<QueryBusOptions, 'readModels' | 'verifySecret' | 'now'> & {
  readonly until: Until;
  readonly limits: QueryLimits;
};

/**
 * The innermost: wait for freshness, then answer. `again` is for a watch: what has been checked
 * before its first answer holds, but for the record.
 */
function createAsking(options: AskingOptions): { readonly ask: Handle; readonly again: Handle } {
  const { readModels, until, limits, now } = options;
  const { cachedAnswers, cachedBytes, maxAgeMs, waiting } = limits;
  const kept = { entries: cachedAnswers, bytes: cachedBytes, maxAgeMs, now };
  const answer = createAnswering({ ...options, cache: createAnswerCache(kept) });
  const waitFor = createFreshnessWait(readModels.progress, until, { now, mostWaiting: waiting });
  const vectorOf = (run: Run) => readVector(run.route.handler.views, readModels.progress);

  const ask: Handle = async (run) => {
    const { consistency, handler } = run.route;
    const field = fieldValue(run.query, consistency) as ReadConsistency | undefined;
    const wish = wishOf(field, run.call.header);
    if (isRejection(wish)) return wish;
    if (wish === undefined) return answer(run, await vectorOf(run), false);
    const vector = await waitFor(handler.views, wish, run.call);
    return isRejection(vector) ? vector : answer(run, vector, true);
  };
  const again: Handle = async (run) => answer(run, await vectorOf(run), true);
  return {
    ask: (run) => orRefusal(ask(run)),
    again: (run) => orRefusal(again(run)),
  };
}
