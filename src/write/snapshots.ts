import type { Decider } from '../kernel/decider.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { StateLoader } from './stored-state.ts';

export type Snapshots = {
  /** Keeps the state when the last events took the stream past a multiple of `every`. */
  readonly consider: (
    decider: Decider,
    stream: StreamName,
    state: unknown,
    revision: number,
    events: number,
  ) => void;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** Snapshots are written in the background: a command never waits for one, nor fails with it. */
export function createSnapshots(options: {
  readonly loader: StateLoader;
  readonly log: Log;
  readonly every: number;
}): Snapshots {
  const { loader, log, every } = options;
  const underWay = new Set<StreamName>();
  const pending = new Set<Promise<void>>();

  const keep = async (decider: Decider, stream: StreamName, state: unknown, revision: number) => {
    try {
      await loader.keep(decider, stream, { state, revision });
    } catch (error) {
      log.warn({ err: error, stream, revision }, 'snapshot could not be kept');
    } finally {
      underWay.delete(stream);
    }
  };

  return {
    consider: (decider, stream, state, revision, events) => {
      const length = revision + 1;
      const passed = Math.floor(length / every) > Math.floor((length - events) / every);
      if (!passed || underWay.has(stream)) return;
      underWay.add(stream);
      const kept = keep(decider, stream, state, revision);
      pending.add(kept);
      void kept.finally(() => pending.delete(kept));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pending);
    },
  };
}
