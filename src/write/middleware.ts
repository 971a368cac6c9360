import type { Message } from '@bufbuild/protobuf';
import { type Context, context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { Ownership } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { actsForAnyOwner, authorise, notTheOwner } from '../kernel/access.ts';
import { StoreFault } from '../kernel/fault.ts';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { BusMetrics, Log } from '../kernel/telemetry.ts';
import type { Validate } from '../kernel/validation.ts';
import type { CommandRoute } from './catalogue.ts';
import type { CommandEnvelope } from './metadata.ts';
import type { Accepted } from './receipt.ts';
import type { RefusalLog } from './refusal-log.ts';

/** A command on its way through the bus. */
export type Run = {
  readonly route: CommandRoute;
  readonly command: Message;
  readonly call: Call;
  readonly envelope: CommandEnvelope;
};

export type Handle = (run: Run) => Promise<Accepted | Rejection>;
export type Middleware = (next: Handle) => Handle;

/** The first is the outermost. */
export function compose(middleware: readonly Middleware[], innermost: Handle): Handle {
  return middleware.reduceRight((next, around) => around(next), innermost);
}

/** One line a command, without its payload: that is in the log of events or of refusals. */
export function logging(log: Log, now: () => number): Middleware {
  return (next) => async (run) => {
    const startedAt = now();
    const line = (more: object) => ({
      command: run.route.schema.typeName,
      commandId: run.envelope.commandId,
      correlationId: run.envelope.correlationId,
      actor: run.envelope.principal.subject,
      ms: now() - startedAt,
      ...more,
    });
    try {
      const outcome = await next(run);
      if (isRejection(outcome)) log.info(line({ code: outcome.code }), 'command refused');
      else log.debug(line({ stream: outcome.receipt.stream }), 'command accepted');
      return outcome;
    } catch (error) {
      log.error(line({ err: error }), 'command failed');
      throw error;
    }
  };
}

export function measuring(metrics: BusMetrics): Middleware {
  return (next) => async (run) => {
    const startedAt = performance.now();
    let outcome = 'FAILED';
    try {
      const result = await next(run);
      if (isRejection(result)) outcome = result.code;
      else outcome = result.receipt.repeated ? 'repeated' : 'accepted';
      return result;
    } catch (error) {
      // A store that is away is no bug: the caller gets the same code.
      if (error instanceof StoreFault) outcome = error.code;
      throw error;
    } finally {
      metrics.observe(run.route.schema.name, outcome, (performance.now() - startedAt) / 1000);
    }
  };
}

/** A span for the command; the caller's trace goes on in it, and in the metadata of its events. */
export function tracing(): Middleware {
  const tracer = trace.getTracer('cipherhorizon.write');
  return (next) => (run) => {
    const { commandId, traceparent } = run.envelope;
    const parent = traceparent === undefined ? context.active() : remoteContext(traceparent);
    const attributes = { 'command.id': commandId };
    return tracer.startActiveSpan(run.route.schema.name, { attributes }, parent, async (span) => {
      try {
        const carrier: { traceparent?: string } = {};
        propagation.inject(trace.setSpan(parent, span), carrier);
        const { traceparent } = carrier;
        const traced =
          traceparent === undefined ? run : { ...run, envelope: { ...run.envelope, traceparent } };
        const outcome = await next(traced);
        if (isRejection(outcome)) span.setAttribute('command.refused', outcome.code);
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

function remoteContext(traceparent: string): Context {
  return propagation.extract(context.active(), { traceparent });
}

/** Law 3: every refusal is recorded, with its reason. */
export function recordingRefusals(refusals: RefusalLog): Middleware {
  return (next) => async (run) => {
    const outcome = await next(run);
    if (isRejection(outcome)) refusals.record(run, outcome);
    return outcome;
  };
}

/** Roles, and for a request that names its owner, the owner. The record's owner is seen later. */
export function authorising(): Middleware {
  return (next) => (run) => {
    const { route, call, command } = run;
    const refusal = authorise(route.method, route.access, call.principal);
    if (refusal !== undefined) return Promise.resolve(refusal);
    const owner = route.ownerOf(command);
    const { principal } = run.envelope;
    if (
      route.access?.ownership === Ownership.REQUEST &&
      owner !== principal.subject &&
      !actsForAnyOwner(route.access, principal)
    ) {
      return Promise.resolve(notTheOwner(route.access, owner ?? ''));
    }
    return next(run);
  };
}

export function validating(validate: Validate): Middleware {
  return (next) => (run) => {
    const wrong = validate(run.route.schema, run.command);
    return wrong === undefined ? next(run) : Promise.resolve(wrong);
  };
}
