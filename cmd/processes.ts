import { hostname } from 'node:os';
import type { Config } from '../src/config/config.ts';
import { ProcessCommandService } from '../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import type { PolicyDefinition, ProcessDefinition } from '../src/process/kit.ts';
import { operatedProcess } from '../src/process/operate.ts';
import type { ProcessSource, ProcessStore } from '../src/process/ports.ts';
import { startPolicies, startProcesses } from '../src/process/run.ts';
import { signalPolicies } from '../src/trading/processes/signal-exits.ts';
import {
  strategyRunFollowUpPolicy,
  strategyRunPolicy,
  strategySignalPolicy,
} from '../src/trading/processes/strategy-run.ts';
import { tradeSignals } from '../src/trading/processes/trade-signal.ts';
import type { CommandBus } from '../src/write/command-bus.ts';
import { defineDecider, type WriteContext } from '../src/write/kit.ts';
import { createSendCommand } from './process-commands.ts';
import type { ServerProcess } from './server-process.ts';

/** Every process that spans aggregates: a new one, and a new version of one, is added here. */
export const processDefinitions: readonly ProcessDefinition[] = [...tradeSignals];

/** Every policy: what events lead to for those that have declared an interest. */
export const policies: readonly PolicyDefinition[] = [
  ...signalPolicies,
  strategyRunPolicy,
  strategySignalPolicy,
  strategyRunFollowUpPolicy,
];

/** What operators ask of processes. */
export const processWrite: WriteContext = {
  service: ProcessCommandService,
  deciders: [defineDecider(operatedProcess)],
};

/**
 * Runs processes and policies beside the command bus that their commands go to. Resolves when they
 * follow the log; an event store that is away is waited for.
 */
export async function runProcesses(
  { config, log, metrics, stop, own }: Omit<ServerProcess, 'validate'>,
  parts: {
    readonly definitions: readonly ProcessDefinition[];
    readonly policies: readonly PolicyDefinition[];
    readonly bus: CommandBus;
    readonly store: ProcessStore;
    readonly source: ProcessSource;
  },
): Promise<void> {
  const end = new AbortController();
  const running: Promise<void>[] = [];
  const { definitions, bus, store, source } = parts;
  const signal = AbortSignal.any([stop, end.signal]);
  const ports = { store, source, log, execute: createSendCommand(bus), now: Date.now, signal };

  const start = async () => {
    if (definitions.length > 0) {
      const observe = metrics.processes(definitions.map(({ name }) => name));
      const name = nameOf(config);
      const processes = await startProcesses({ ...ports, definitions, observe, name });
      running.push(processes.ended);
      for (const gauge of processes.gauges) metrics.addGauge(gauge);
    }
    if (parts.policies.length > 0) {
      const observe = metrics.policies(parts.policies.map(({ name }) => name));
      const started = await startPolicies({ ...ports, definitions: parts.policies, observe });
      running.push(started.ended);
      for (const gauge of started.gauges) metrics.addGauge(gauge);
    }
  };
  const starting = start();
  // Before the bus and the stores are closed.
  own({
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await starting.catch(() => undefined);
      await Promise.all(running);
    },
  });
  await starting;
}

/** The same after a restart, and of no other write server that runs: two cannot have one address. */
function nameOf({ servers }: Config): string {
  const { host, port } = servers.write.grpc;
  return port === 0 ? `${hostname()} (${process.pid})` : `${hostname()} (${host}:${port})`;
}
