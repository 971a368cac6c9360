import { propagation, ROOT_CONTEXT, type SpanContext, SpanKind, trace } from '@opentelemetry/api';
import type { Work } from './apply.ts';

/** Of `performance.now()`. */
export type Span = { readonly startedAt: number; readonly endedAt: number };

/** A span names so many of the commands that its batch comes from. */
const mostLinks = 128;

/**
 * A span for each view that a batch was applied to. Where all of its events come from one command it
 * goes on in that command's trace; else it is one of its own, with a link to each command.
 */
export function traceApplied(work: readonly Work[], { startedAt, endedAt }: Span): void {
  // Nothing that could read a trace context is registered: no events need to be looked through.
  if (propagation.fields().length === 0) return;
  const tracer = trace.getTracer('cipherhorizon.projection');
  for (const { target, events } of work) {
    const commands = commandsOf(events);
    if (commands.length === 0) continue;
    const [only] = commands.length === 1 ? commands : [];
    const options = {
      kind: SpanKind.CONSUMER,
      startTime: startedAt,
      attributes: { view: target.ref.view.name, events: events.length },
      links: only === undefined ? commands.map((context) => ({ context })) : [],
    };
    const parent = only === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, only);
    tracer.startSpan('apply events', options, parent).end(endedAt);
  }
}

/** The spans of commands in the metadata of their events, each once. */
function commandsOf(events: Work['events']): readonly SpanContext[] {
  const found = new Set<string>();
  for (const { recorded } of events) {
    const { traceparent } = recorded.metadata;
    if (typeof traceparent === 'string' && found.size < mostLinks) found.add(traceparent);
  }
  return [...found].flatMap(
    (traceparent) => trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent })) ?? [],
  );
}
