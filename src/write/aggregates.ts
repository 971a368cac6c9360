import type { Decider } from '../kernel/decider.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import { type Aggregate, createAggregate } from './aggregate.ts';
import type { EventStore } from './event-store.ts';
import type { StateLoader } from './stored-state.ts';

/** The aggregates in memory: as many as `capacity`, and those that have writes under way. */
export type Aggregates = {
  /** The cached one, or loaded. Takes turns per stream are the caller's. */
  readonly take: (decider: Decider, stream: StreamName) => Aggregate | Promise<Aggregate>;
  /**
   * Whether the aggregate was as the log has it. When another process has written, or it is void,
   * it is forgotten, and the next `take` loads it.
   */
  readonly confirm: (decider: Decider, aggregate: Aggregate) => Promise<boolean>;
  readonly forget: (aggregate: Aggregate) => void;
  /** The state of an aggregate that is only looked at, at most `maxAgeMs` behind other processes. */
  readonly look: (decider: Decider, stream: StreamName, maxAgeMs: number) => Promise<unknown>;
  readonly size: () => number;
};

type Entry = { readonly aggregate: Aggregate; checkedAt: number };

export function createAggregates(options: {
  readonly store: EventStore;
  readonly loader: StateLoader;
  readonly capacity: number;
  readonly now: () => number;
}): Aggregates {
  const { store, loader, now } = options;
  const entries = new Map<StreamName, Entry>();
  const loading = new Map<StreamName, Promise<Entry>>();

  const evict = () => {
    for (const [stream, { aggregate }] of entries) {
      if (entries.size <= options.capacity) return;
      if (aggregate.isIdle()) entries.delete(stream);
    }
  };

  const load = async (decider: Decider, stream: StreamName): Promise<Entry> => {
    const checkedAt = now();
    const stored = await loader.load(decider, stream);
    const entry = { aggregate: createAggregate(store, stream, stored), checkedAt };
    entries.set(stream, entry);
    evict();
    return entry;
  };

  const entryOf = (decider: Decider, stream: StreamName): Entry | Promise<Entry> => {
    const cached = entries.get(stream);
    if (cached !== undefined && !cached.aggregate.isVoid()) {
      entries.delete(stream);
      entries.set(stream, cached);
      return cached;
    }
    const already = loading.get(stream);
    if (already !== undefined) return already;
    const fresh = load(decider, stream).finally(() => loading.delete(stream));
    loading.set(stream, fresh);
    return fresh;
  };

  const forget = (aggregate: Aggregate) => {
    if (entries.get(aggregate.stream)?.aggregate === aggregate) entries.delete(aggregate.stream);
  };

  const confirm: Aggregates['confirm'] = async (decider, aggregate) => {
    const revision = aggregate.revision();
    const state = aggregate.state();
    const { stream } = aggregate;
    const stored = await loader.follow(decider, stream, { state, revision });
    const same = stored.revision === revision && !aggregate.isVoid();
    if (!same) forget(aggregate);
    return same;
  };

  return {
    forget,
    confirm,
    size: () => entries.size,
    take: (decider, stream) => {
      const entry = entryOf(decider, stream);
      return entry instanceof Promise ? entry.then(aggregateOf) : entry.aggregate;
    },
    look: async (decider, stream, maxAgeMs) => {
      const entry = await entryOf(decider, stream);
      // What is not stored yet may never be: nobody else decides on it.
      await entry.aggregate.newest()?.catch(() => undefined);
      if (!entry.aggregate.isVoid() && now() - entry.checkedAt <= maxAgeMs) {
        return entry.aggregate.state();
      }
      const checkedAt = now();
      if (await confirm(decider, entry.aggregate)) entry.checkedAt = checkedAt;
      return (await entryOf(decider, stream)).aggregate.state();
    },
  };
}

function aggregateOf({ aggregate }: Entry): Aggregate {
  return aggregate;
}
