import { hashSecret } from '../src/engines/argon2/argon2.ts';
import { identityWrite } from '../src/identity/write.ts';
import { orderWrite, runWrite, signalWrite, tradingWrite } from '../src/trading/write.ts';
import { createCommandBus } from '../src/write/command-bus.ts';
import { createReplayService } from '../src/write/replay.ts';
import { createCommandService } from '../src/write/service.ts';
import { openEventSource, openEventStore, openReadModels } from './engines.ts';
import { gatedBus } from './gated-bus.ts';
import { policies, processDefinitions, processWrite, runProcesses } from './processes.ts';
import { runServer } from './server-process.ts';
import { views } from './views.ts';

const contexts = [
  tradingWrite, //
  signalWrite,
  orderWrite,
  runWrite,
  identityWrite,
  processWrite,
];

await runServer(
  'write-server',
  (config) => config.servers.write,
  async (server) => {
    const { config, log, metrics, validate, own } = server;
    const store = own(openEventStore(config));
    const readModels = own(openReadModels(config));
    const byName = new Map(views.map((view) => [view.name, view]));
    const bus = own(
      createCommandBus({
        contexts,
        store,
        views: {
          names: [...byName.keys()],
          positionOf: async (name) => {
            const view = byName.get(name);
            return view && (await readModels.progress(view)).position;
          },
        },
        tools: { hashSecret },
        validate,
        metrics: metrics.bus('command', commandNames()),
        log,
        now: Date.now,
        snapshotEvery: config.write.snapshotEvery,
        cachedAggregates: config.write.cacheAggregates,
        immediateViews: config.views.immediate,
        refusalsPerSecond: config.write.refusalsPerSecond,
        refusalsKept: 100_000,
      }),
    );
    const source = own(openEventSource(config));
    const definitions = processDefinitions;
    const started = runProcesses(server, { definitions, policies, bus, store, source });
    const open = gatedBus(bus, started);
    let isStarted = false;
    return {
      services: [
        ...contexts.map((context) => createCommandService(open, context, validate)),
        createReplayService(bus, store, validate),
      ],
      readiness: () =>
        isStarted ? { ready: true } : { ready: false, reason: 'the event store is awaited' },
      // Ends only where they cannot be started at all.
      work: started.then(() => {
        isStarted = true;
        return new Promise<void>(() => undefined);
      }),
    };
  },
);

function commandNames(): string[] {
  return contexts.flatMap(({ service }) => service.methods.map(({ input }) => input.name));
}
