import { hostname } from 'node:os';
import type { Config } from '../src/config/config.ts';
import { createEventLogService } from '../src/projection/event-log-service.ts';
import { createProjector, type Projector } from '../src/projection/projector.ts';
import { createRedaction } from '../src/projection/redaction.ts';
import { createProjectionService } from '../src/projection/service.ts';
import { projectionGauges } from '../src/projection/status.ts';
import { openEventSource, openReadModelStore } from './engines.ts';
import { runServer } from './server-process.ts';
import { views } from './views.ts';

await runServer(
  'projector',
  (config) => config.servers.projector,
  ({ config, log, metrics, validate, stop, own }) => {
    const source = own(openEventSource(config));
    const store = own(openReadModelStore(config));
    const projector = createProjector({
      name: nameOf(config),
      views,
      source,
      store,
      batches: config.views.batches,
      log,
      now: Date.now,
    });
    for (const gauge of projectionGauges(projector)) metrics.addGauge(gauge);
    const end = new AbortController();
    const work = projector.run(AbortSignal.any([stop, end.signal]));
    // The lease is given back before the stores are closed.
    own({
      [Symbol.asyncDispose]: () => {
        end.abort();
        return work;
      },
    });
    return {
      services: [
        createProjectionService(projector, validate),
        createEventLogService(source, validate, createRedaction(views)),
      ],
      readiness: () => readinessOf(projector),
      work,
    };
  },
);

/** The same after a restart, and of no other projector that runs: two cannot have one address. */
function nameOf({ servers }: Config): string {
  const { host, port } = servers.projector.grpc;
  return port === 0 ? `${hostname()} (${process.pid})` : `${hostname()} (${host}:${port})`;
}

/** One that stands by is as it should be: it says so beside. */
function readinessOf(projector: Projector) {
  const state = projector.state();
  if (state === 'waiting') {
    const reason = projector.lastError()?.message ?? 'the stores are opened';
    return { ready: false as const, reason };
  }
  return {
    ready: true as const,
    ...(state === 'standby' && { state, worker: projector.worker() }),
  };
}
