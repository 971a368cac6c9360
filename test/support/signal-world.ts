import { setImmediate as soon } from 'node:timers/promises';
import { createSendCommand } from '../../cmd/process-commands.ts';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import { StoreFault } from '../../src/kernel/fault.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import { createPolicyRunner } from '../../src/process/policy-runner.ts';
import type { SendCommand } from '../../src/process/ports.ts';
import { createProcessRunner } from '../../src/process/runner.ts';
import { signalPolicies } from '../../src/trading/processes/signal-exits.ts';
import { tradeSignals } from '../../src/trading/processes/trade-signal.ts';
import type { EventStore } from '../../src/write/event-store.ts';
import { quiet, startBus } from './command-bus.ts';
import { deskContexts } from './signal-desk.ts';

// A write server with everything that leads signals through, over one log: it can be killed at any
// append, and another one goes on. Time is the world's own.

export type Death = { readonly at: number; readonly when: 'before' | 'after' };

export const policiesOfSignals = signalPolicies;

export function createSignalWorld(path: string) {
  const log = createSqliteEventLog({ path, synchronous: 'NORMAL' });
  return {
    log,
    clock: { nowMs: Date.UTC(2026, 0, 1) },
    /** All events of the log, in order. */
    all: async (): Promise<readonly RecordedEvent[]> => {
      const found: RecordedEvent[] = [];
      for await (const { events } of log.readAll({})) found.push(...events);
      return found;
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

export type SignalWorld = ReturnType<typeof createSignalWorld>;

/** Far below the time limits of processes. */
const longestBackoffMs = 30_000;

/** One life of a write server; it ends before or after its append of the number that is given. */
export async function liveIn(
  world: SignalWorld,
  death?: Death,
  parts = { contexts: deskContexts, policies: policiesOfSignals },
) {
  const { log, clock } = world;
  let appends = 0;
  let isDead = false;
  const killed = () => new StoreFault('STORE_UNAVAILABLE', 'killed');
  const append: EventStore['append'] = async (stream, expected, events) => {
    const own = appends;
    appends += 1;
    if (!isDead && own === death?.at && death.when === 'before') isDead = true;
    if (isDead) throw killed();
    const result = await log.append(stream, expected, events);
    if (own === death?.at) isDead = true;
    if (isDead) throw killed();
    return result;
  };
  const store: EventStore = { ...log, append };
  const now = () => clock.nowMs;
  const bus = startBus(store, { contexts: parts.contexts, now, snapshotEvery: 5 });
  const sendAlive = createSendCommand(bus);
  const execute: SendCommand = async (command, signal) => {
    const outcome = await sendAlive(command, signal);
    if (isDead) throw killed();
    return outcome;
  };
  const ports = { source: log, store, execute, now, log: quiet, observe: () => {} };
  const processes = createProcessRunner({ definitions: tradeSignals, name: 'one', ...ports });
  const policies = parts.policies.map((definition) => createPolicyRunner({ definition, ...ports }));
  const runners = [processes, ...policies];
  const rest = () => soon();
  const isWaiting = () => policies.some((policy) => policy.waiting() > 0);

  /** Time passes while a task waits for another attempt. */
  const passing = async (task: Promise<unknown>) => {
    let isOver = false;
    const over = task.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await rest();
      for (const runner of runners) {
        if (isDead) runner.stop();
        else if (runner !== processes) passTo(runner.nextWakeAt());
        runner.wake();
      }
    }
    await over;
  };
  const passTo = (at: number | undefined) => {
    if (at !== undefined) clock.nowMs = Math.max(clock.nowMs, at);
  };

  /** Brings all runners what is new; whether there was anything. */
  const bring = async (): Promise<boolean> => {
    let isNews = false;
    for (const runner of runners) {
      const read = log.readAll({ after: runner.position(), filter: { types: runner.types } });
      for await (const batch of read) {
        isNews ||= batch.events.length > 0;
        await passing(runner.deliver(batch));
        if (isDead) return true;
      }
      await runner.checkpoint();
    }
    await passing(processes.settled());
    return isNews;
  };

  /** A process sends once more what had no outcome, such as on a busy machine. */
  const triesAgain = () => {
    const at = processes.nextWakeAt();
    if (at === undefined || at > clock.nowMs + longestBackoffMs) return false;
    passTo(at);
    processes.wake();
    return true;
  };

  return {
    bus,
    isDead: () => isDead,
    appends: () => appends,
    unfinished: processes.unfinished,
    restore: () => Promise.all(runners.map((runner) => runner.restore())),
    /** Until nothing is new and nothing waits; or it is dead. */
    settle: async () => {
      try {
        while (!isDead && ((await bring()) || isWaiting() || triesAgain())) await rest();
      } catch (error) {
        if (!isDead) throw error;
      }
    },
    /** To the next time limit of a process; whether there is one. */
    passTime: () => {
      const at = processes.nextWakeAt();
      passTo(at);
      processes.wake();
      return at !== undefined;
    },
    stop: async () => {
      for (const runner of runners) runner.stop();
      await Promise.all(runners.map((runner) => runner.settled()));
    },
  };
}

export type Life = Awaited<ReturnType<typeof liveIn>>;

/** A rejection of a command, as a failure of the test; a fault of a life that is over, as nothing. */
export async function tell<Outcome>(life: Life, task: () => Promise<Outcome>) {
  try {
    const outcome = await task();
    if (isRejection(outcome)) throw new Error(`refused: ${outcome.code}: ${outcome.message}`);
    return outcome;
  } catch (error) {
    if (life.isDead()) return undefined;
    throw error;
  }
}
