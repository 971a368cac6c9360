import type { Message } from '@bufbuild/protobuf';
import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { actsForAnyOwner, authorise, notTheOwner } from '../kernel/access.ts';
import type { Principal } from '../kernel/principal.ts';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { BusMetrics, Log } from '../kernel/telemetry.ts';
import type { Validate } from '../kernel/validation.ts';
import type { QueryRoute } from './catalogue.ts';
import type { Vector } from './freshness.ts';
import { loggable } from './query-log.ts';

/** A query on its way through the bus. */
export type Run = {
  readonly route: QueryRoute;
  readonly query: Message;
  readonly call: Call;
  /** Somebody known, once the query is past `authorising`. */
  readonly principal: Principal;
};

/** An answer still without its `freshness`, and how far the views were before it was read. */
export type Answered = {
  readonly answer: Message;
  readonly vector: Vector;
  /** What comes behind the first answer of a run. */
  readonly rest?: AsyncIterator<Message | Rejection | undefined>;
};

export type Handle = (run: Run) => Promise<Answered | Rejection>;
export type Middleware = (next: Handle, route: QueryRoute) => Handle;

/** The first is the outermost. */
export function compose(
  middleware: readonly Middleware[],
  route: QueryRoute,
  innermost: Handle,
): Handle {
  return middleware.reduceRight((next, around) => around(next, route), innermost);
}

/** One line a query. */
export function logging(log: Log): Middleware {
  return (next, route) => {
    const query = route.method.input.typeName;
    const parametersOf = loggable(route.method.input);
    return async (run) => {
      const startedAt = performance.now();
      const line = (more: object) => ({
        query,
        parameters: parametersOf(run.query),
        actor: run.principal.subject,
        ms: Math.round((performance.now() - startedAt) * 1000) / 1000,
        ...more,
      });
      try {
        const outcome = await next(run);
        if (isRejection(outcome)) log.info(line({ code: outcome.code }), 'query refused');
        else log.debug(line({}), 'query answered');
        return outcome;
      } catch (error) {
        log.error(line({ err: error }), 'query failed');
        throw error;
      }
    };
  };
}

/** The time to the answer; of a watch or a run, to its first one. */
export function measuring(metrics: BusMetrics): Middleware {
  return (next, route) => async (run) => {
    const startedAt = performance.now();
    let outcome = 'FAILED';
    try {
      const result = await next(run);
      outcome = isRejection(result) ? result.code : 'answered';
      return result;
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics.observe(route.method.input.name, outcome, seconds);
    }
  };
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparentForm = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** A span for the query, in the trace of its caller. */
export function tracing(): Middleware {
  const tracer = trace.getTracer('cipherhorizon.read');
  return (next, route) => (run) => {
    const parent = callersContext(run.call.header('traceparent'));
    return tracer.startActiveSpan(route.method.input.name, {}, parent, async (span) => {
      try {
        const outcome = await next(run);
        if (isRejection(outcome)) span.setAttribute('query.refused', outcome.code);
        return outcome;
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  };
}

function callersContext(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparentForm.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return context.active();
  const traceFlags = Number.parseInt(flags ?? '', 16);
  return trace.setSpanContext(context.active(), { traceId, spanId, traceFlags, isRemote: true });
}

/** Roles, and for a query that names its owner, the owner. The record's owner is seen later. */
export function authorising(): Middleware {
  return (next, { method, access, ownerOf }) =>
    async (run) => {
      const refusal = authorise(method, access, run.call.principal);
      if (refusal !== undefined) return refusal;
      const { principal, query } = run;
      const owner = ownerOf?.(query);
      const own = owner === undefined || (owner !== '' && owner === principal.subject);
      if (own || actsForAnyOwner(access, principal)) return next(run);
      return notTheOwner(access, owner);
    };
}

export function validating(validate: Validate): Middleware {
  return (next, route) => async (run) => validate(route.method.input, run.query) ?? next(run);
}
