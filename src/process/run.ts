import { setTimeout as delay } from 'node:timers/promises';
import { StoreFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { ProcessSource } from './ports.ts';
import { createProcessRunner, type ProcessRunner, type ProcessRunnerOptions } from './runner.ts';

/** The longest that Node's timers take. */
const longestTimerMs = 2 ** 31 - 1;
const firstBackoffMs = 100;
const longestBackoffMs = 10_000;

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
  options: Omit<ProcessRunnerOptions, 'onWakeAt'> & {
    readonly signal: AbortSignal;
    /** How often it is kept how far the runner is, where that has changed. 5 s by default. */
    readonly checkpointEveryMs?: number;
  },
): Promise<RunningProcesses> {
  const { source, signal, log, now, checkpointEveryMs = 5_000 } = options;
  let timer: NodeJS.Timeout | undefined;
  const runner = createProcessRunner({ ...options, onWakeAt: (atMs) => arm(atMs) });

  const arm = (atMs: number | undefined) => {
    clearTimeout(timer);
    if (atMs === undefined || signal.aborted) return;
    const inMs = Math.min(Math.max(atMs - now(), 0), longestTimerMs);
    timer = setTimeout(() => {
      runner.wake();
      arm(runner.nextWakeAt());
    }, inMs);
  };

  let lastError: Error | undefined;
  await restored({ runner, signal, log });
  arm(runner.nextWakeAt());
  const following = follow({ runner, source, signal, log }, (error) => {
    lastError = error;
  });
  const keeping = keepCheckpoints({ runner, signal, log }, checkpointEveryMs);
  const ended = Promise.all([following, keeping]).then(async () => {
    clearTimeout(timer);
    runner.stop();
    await runner.settled();
    if (!runner.isRestored()) return;
    await runner.checkpoint().catch((err: unknown) => log.warn({ err }, 'no last checkpoint'));
  });
  return {
    gauges: runner.gauges,
    unfinished: runner.unfinished,
    lastError: () => lastError,
    ended,
  };
}

type Following = {
  readonly runner: ProcessRunner;
  readonly source: ProcessSource;
  readonly signal: AbortSignal;
  readonly log: Log;
};

async function restored({ runner, signal, log }: Omit<Following, 'source'>): Promise<void> {
  for (let backoffMs = firstBackoffMs; !signal.aborted; ) {
    try {
      await runner.restore();
      return;
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error;
      log.warn({ err: error, backoffMs }, 'processes cannot be taken up: trying again');
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
  }
}

/** Subscribes from where the runner is, again and again while the store goes away. */
async function follow(
  { runner, source, signal, log }: Following,
  tell: (error: Error | undefined) => void,
): Promise<void> {
  const filter = { types: runner.types };
  for (let backoffMs = firstBackoffMs; !signal.aborted; ) {
    try {
      for await (const batch of source.subscribe({ after: runner.position(), filter, signal })) {
        await runner.deliver(batch);
        tell(undefined);
        backoffMs = firstBackoffMs;
      }
    } catch (error) {
      if (signal.aborted) return;
      tell(error as Error);
      log.warn({ err: error, backoffMs }, 'processes cannot follow the log: trying again');
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
  }
}

async function keepCheckpoints(
  { runner, signal, log }: Omit<Following, 'source'>,
  everyMs: number,
): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await runner.checkpoint().catch((err: unknown) => {
      log.warn({ err }, 'it could not be kept how far the processes are');
    });
  }
}
