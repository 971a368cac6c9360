import { createEventLogService } from '../src/projection/event-log-service.ts';
import { createProjector } from '../src/projection/projector.ts';
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
      views,
      source,
      store,
      batches: config.views.batches,
      log,
      now: Date.now,
    });
    for (const gauge of projectionGauges(projector)) metrics.addGauge(gauge);
    return {
      services: [
        createProjectionService(projector, validate, stop),
        createEventLogService(source, validate, createRedaction(views)),
      ],
      readiness: () =>
        projector.state() === 'waiting'
          ? { ready: false, reason: projector.lastError()?.message ?? 'the stores are opened' }
          : { ready: true },
      work: projector.run(stop),
    };
  },
);
