import type { Gauge } from '../kernel/telemetry.ts';
import { type DriveOptions, drive } from './drive.ts';
import type { PolicyDefinition } from './kit.ts';
import { createPolicyRunner, type PolicyGauge, type PolicyRunnerOptions } from './policy-runner.ts';
import { createProcessRunner, type ProcessRunner, type ProcessRunnerOptions } from './runner.ts';

export type RunningProcesses = Pick<ProcessRunner, 'gauges' | 'unfinished'> & {
  /** Why it does not follow the log just now. */
  readonly lastError: () => Error | undefined;
  /** Ends by itself when the signal aborts; what is under way then is found at the next start. */
  readonly ended: Promise<void>;
};

/**
 * Starts the processes: what has not ended is taken up before it resolves, so that a command which
 * is accepted after it starts what it has to start. A store that is away is waited for.
 */
export async function startProcesses(
  options: Omit<ProcessRunnerOptions, 'onWakeAt'> & DriveOptions,
): Promise<RunningProcesses> {
  const { runner, lastError, ended } = await drive(
    (onWakeAt) => createProcessRunner({ ...options, onWakeAt }),
    options,
  );
  return { gauges: runner.gauges, unfinished: runner.unfinished, lastError, ended };
}

export type RunningPolicies = {
  readonly gauges: readonly Gauge[];
  readonly ended: Promise<void>;
};

/** Starts the policies, each for itself: one that cannot go on keeps no other one waiting. */
export async function startPolicies(
  options: Omit<PolicyRunnerOptions, 'onWakeAt' | 'definition'> &
    DriveOptions & { readonly definitions: readonly PolicyDefinition[] },
): Promise<RunningPolicies> {
  const { definitions } = options;
  if (new Set(definitions.map(({ name }) => name)).size < definitions.length) {
    throw new Error('two policies have one name');
  }
  const all = await Promise.all(
    definitions.map(async (definition) => {
      const { runner, ended } = await drive(
        (onWakeAt) => createPolicyRunner({ ...options, definition, onWakeAt }),
        options,
      );
      return { name: definition.name, gauges: runner.gauges, ended };
    }),
  );
  return {
    gauges: joined(all),
    ended: Promise.all(all.map(({ ended }) => ended)).then(() => undefined),
  };
}

function joined(
  all: readonly { readonly name: string; readonly gauges: readonly PolicyGauge[] }[],
): readonly Gauge[] {
  const names = all[0]?.gauges ?? [];
  return names.map(({ name, help }, index) => ({
    ...{ name, help, labels: ['policy'] },
    collect: () =>
      all.map((one) => ({ labels: [one.name], value: one.gauges[index]?.value() ?? 0 })),
  }));
}
