import { StoreFault } from '../kernel/fault.ts';
import type { ReadModelStore } from './read-model-store.ts';

/**
 * The store, written to only while the lease is held for sure. Positions guard what is made of events,
 * whoever writes it. They do not guard which generation is live, what is written whatever its version,
 * and what is derived from views as they were: a process that was stopped, and is let go on when
 * another one works, finds here that its time is over.
 */
export function leased(
  store: ReadModelStore,
  holds: () => boolean | Promise<boolean>,
): ReadModelStore {
  const whileHeld =
    <Given extends unknown[], Result>(write: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      if (await holds()) return write(...given);
      throw new StoreFault('STORE_FAILED', 'the lease is over: another projector may work now');
    };
  return Object.assign(Object.create(store) as ReadModelStore, {
    open: whileHeld(store.open),
    switchTo: whileHeld(store.switchTo),
    drop: whileHeld(store.drop),
    apply: whileHeld(store.apply),
    heartbeat: whileHeld(store.heartbeat),
  } satisfies Partial<ReadModelStore>);
}
