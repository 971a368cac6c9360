import { afterEach, expect, test } from '@jest/globals';
import { propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Work } from '../../../src/projection/apply.ts';
import { traceApplied } from '../../../src/projection/tracing.ts';

const traceId = (digit: string) => digit.repeat(32);
const spanId = 'b7ad6b7169203331';

function workOf(...commands: (string | undefined)[]): Work {
  const events = commands.map((command) => ({
    recorded: { metadata: command === undefined ? {} : { traceparent: command } },
  }));
  return { target: { ref: { view: { name: 'strategies' } } }, events } as unknown as Work;
}

function forget(): void {
  trace.disable();
  propagation.disable();
}

afterEach(forget);

function spansFor(work: Work) {
  forget();
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  traceApplied([work], { startedAt: performance.now() - 1, endedAt: performance.now() });
  return exporter.getFinishedSpans();
}

const sampled = (digit: string) => `00-${traceId(digit)}-${spanId}-01`;

test('the events of one command are applied in its trace', () => {
  const [span] = spansFor(workOf(sampled('1'), sampled('1')));
  expect(span?.parentSpanContext).toMatchObject({ traceId: traceId('1'), spanId });
  expect(span?.attributes).toEqual({ view: 'strategies', events: 2 });
  expect(span?.links).toEqual([]);
});

test('a batch of several commands is a trace of its own, with a link to each', () => {
  const [span] = spansFor(workOf(sampled('1'), undefined, sampled('2'), sampled('1')));
  expect(span?.parentSpanContext).toBeUndefined();
  const linked = span?.links.map(({ context }) => context.traceId);
  expect(linked).toEqual([traceId('1'), traceId('2')]);
});

test('events without a trace, or with what is none, make no span', () => {
  expect(spansFor(workOf(undefined))).toEqual([]);
  expect(spansFor(workOf('nonsense'))).toEqual([]);
});
