import { setTimeout as delay } from 'node:timers/promises';
import { reject } from '../src/kernel/rejection.ts';
import type { CommandBus } from '../src/write/command-bus.ts';

/** With an event store that can be reached, processes are taken up in less. */
const patienceMs = 5_000;

/**
 * The command bus for callers. Until the processes follow the log, commands wait: one that is accepted
 * starts what it has to start. While the event store is away, they are refused after a while, and the
 * server answers all the same.
 */
export function gatedBus(bus: CommandBus, started: Promise<void>): CommandBus {
  let isOpen = false;
  const opened = started.then(() => {
    isOpen = true;
  });
  // Whoever started it sees why it did not.
  opened.catch(() => undefined);
  return {
    ...bus,
    execute: async (route, command, call) => {
      if (!isOpen) {
        const late = delay(patienceMs, undefined, { signal: call.signal, ref: false });
        await Promise.race([opened, late]).catch(() => undefined);
      }
      if (isOpen) return bus.execute(route, command, call);
      const message = 'the event store has not been reached yet: nothing was stored';
      return reject('UNAVAILABLE', 'STORE_UNAVAILABLE', message);
    },
  };
}
