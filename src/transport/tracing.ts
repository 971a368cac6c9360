import { DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Log } from '../kernel/telemetry.ts';

/** An export that takes longer is given up; so a stop waits no longer than this for the last one. */
const exportMs = 2_000;
/** Spans that wait to be sent; what comes on top of them is dropped. */
const mostWaiting = 8_192;

/**
 * Sends the spans of this process in batches to a collector (OTLP over HTTP, protobuf), and takes the
 * trace context of callers as the header `traceparent` has it. A trace that its caller does not
 * sample is not sampled here; one that begins here is. Spans that the collector does not take are
 * lost, with a warning: nothing waits for them.
 * @param endpoint the collector's base URL; `/v1/traces` is added to it
 * @returns to be disposed of at the end, which sends what is left
 */
export function startTracing(options: {
  readonly endpoint: string;
  readonly service: string;
  readonly log: Log;
}): AsyncDisposable {
  const { endpoint, service, log } = options;
  const warn = (message: string): void => log.warn({ tracing: message }, 'spans were not sent');
  const warnOf = (err: unknown): void => log.warn({ err }, 'spans were not sent');
  const silent = (): void => undefined;
  setGlobalErrorHandler(warnOf);
  diag.setLogger(
    { error: warn, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: exportMs,
  });
  const named = resourceFromAttributes({
    'service.namespace': 'cipherhorizon',
    'service.name': service,
  });
  const provider = new TracerProvider({
    resource: defaultResource().merge(named),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000, maxQueueSize: mostWaiting }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return {
    [Symbol.asyncDispose]: async () => {
      await provider.shutdown().catch(warnOf);
      trace.disable();
      propagation.disable();
      diag.disable();
    },
  };
}
