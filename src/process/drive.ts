import { setTimeout as delay } from 'node:timers/promises';
import { StoreFault } from '../kernel/fault.ts';
import type { Position } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { ProcessBatch, ProcessSource } from './ports.ts';

/**
 * The parts of a runner that do not wait: whoever drives it brings the batches and the time. `drive`
 * does, for a server; a test does, with a clock of its own.
 */
export type Runner = {
  /** Finds what is under way; the position to go on from. At the head of the log the first time. */
  readonly restore: () => Promise<Position>;
  readonly isRestored: () => boolean;
  /** The types of events that it wants. */
  readonly types: readonly string[];
  /** Takes what comes after what it has had. @throws StoreFault: bring it once more */
  readonly deliver: (batch: ProcessBatch) => Promise<void>;
  /** How far it has been brought the log. */
  readonly position: () => Position;
  /** Does what is due; without waiting for it. */
  readonly wake: () => void;
  readonly nextWakeAt: () => number | undefined;
  readonly settled: () => Promise<void>;
  /** Keeps how far it is; nothing where that has been kept. */
  readonly checkpoint: () => Promise<void>;
  /** Gives up what is under way; nothing is begun any more. */
  readonly stop: () => void;
};

/** So many batches without an event of interest are kept too: nobody wants to look at them again. */
export const quietBatches = 1_000;

/** The longest that Node's timers take. */
const longestTimerMs = 2 ** 31 - 1;
const firstBackoffMs = 100;
const longestBackoffMs = 10_000;

export type DriveOptions = {
  readonly source: ProcessSource;
  readonly now: () => number;
  readonly log: Log;
  /** Ends it; what is under way then is found at the next start. */
  readonly signal: AbortSignal;
  /** How often it is kept how far the runner is, where that has changed. 5 s by default. */
  readonly checkpointEveryMs?: number;
};

export type Driven<Own extends Runner> = {
  readonly runner: Own;
  /** Why it does not follow the log just now. */
  readonly lastError: () => Error | undefined;
  readonly ended: Promise<void>;
};

/**
 * Drives a runner: what was under way is taken up before it resolves, so that a command which is
 * accepted after it leads to what it has to. A store that is away is waited for.
 */
export async function drive<Own extends Runner>(
  create: (onWakeAt: (atMs: number) => void) => Own,
  options: DriveOptions,
): Promise<Driven<Own>> {
  const { signal, log, now, checkpointEveryMs = 5_000 } = options;
  let timer: NodeJS.Timeout | undefined;
  const arm = (atMs: number | undefined) => {
    clearTimeout(timer);
    if (atMs === undefined || signal.aborted) return;
    const inMs = Math.min(Math.max(atMs - now(), 0), longestTimerMs);
    timer = setTimeout(() => {
      runner.wake();
      arm(runner.nextWakeAt());
    }, inMs);
  };
  const runner = create(arm);
  // What waits for room in it must not wait any longer.
  signal.addEventListener('abort', runner.stop, { once: true });

  let lastError: Error | undefined;
  await restored(runner, options);
  arm(runner.nextWakeAt());
  const following = follow(runner, options, (error) => {
    lastError = error;
  });
  const keeping = keepCheckpoints(runner, options, checkpointEveryMs);
  const ended = Promise.all([following, keeping]).then(async () => {
    clearTimeout(timer);
    runner.stop();
    await runner.settled();
    if (!runner.isRestored()) return;
    await runner.checkpoint().catch((err: unknown) => log.warn({ err }, 'no last checkpoint'));
  });
  return { runner, lastError: () => lastError, ended };
}

async function restored(runner: Runner, { signal, log }: DriveOptions): Promise<void> {
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
  runner: Runner,
  { source, signal, log }: DriveOptions,
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
  runner: Runner,
  { signal, log }: DriveOptions,
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
