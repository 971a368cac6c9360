import type { Position } from '../kernel/position.ts';
import { completionsOf, type Definitions } from './catalogue.ts';
import { type Kept, nothingKept } from './journal.ts';
import { viewOf } from './kit.ts';
import { isUnfinished } from './state.ts';

/** A process that has not ended, as the runner holds it. */
export type Live = {
  readonly id: string;
  kept: Kept;
  /** Whether its stream may be further than is known: an append has had no answer. */
  isStale: boolean;
  /** Before what it has started or was retried with. */
  readonly since: Position;
  keys: readonly string[];
  isSending: boolean;
  /** How often nothing has come of it since it has changed, and when it is tried again. */
  attempts: number;
  sendAgainAt: number;
  /** Of what is due: the store did not take it. */
  passAgainAt: number;
  fault: string | undefined;
};

/** The processes that have not ended, by id and by the keys of declared correlation. */
export type LiveProcesses = {
  readonly get: (id: string) => Live | undefined;
  /** The one that is there, or a new one that nothing is known of. */
  readonly take: (id: string, since: Position) => Live;
  readonly withKey: (key: string) => readonly Live[];
  /** After a change: keys are looked at anew, and one that has ended leaves. Whether it stays. */
  readonly settle: (live: Live) => boolean;
  readonly drop: (live: Live) => void;
  /** The revision at which a process ended, of those that have lately. */
  readonly endedAt: (id: string) => number | undefined;
  readonly all: () => Iterable<Live>;
  readonly count: () => number;
};

/** What a change of the process makes void. */
export const fresh = {
  isStale: true,
  attempts: 0,
  sendAgainAt: 0,
  passAgainAt: 0,
  fault: undefined,
};

const mostEnded = 10_000;

/** `onProblem`: a definition's `of` has thrown; the process goes on without that key. */
export function createLiveProcesses(
  definitions: Definitions,
  onProblem: (error: unknown, processId: string) => void,
): LiveProcesses {
  const byId = new Map<string, Live>();
  const byKey = new Map<string, Set<Live>>();
  const ended = new Map<string, number>();

  const rekey = (live: Live, keys: readonly string[]) => {
    for (const key of live.keys) {
      const set = byKey.get(key);
      set?.delete(live);
      if (set?.size === 0) byKey.delete(key);
    }
    live.keys = keys;
    for (const key of keys) {
      const set = byKey.get(key);
      if (set === undefined) byKey.set(key, new Set([live]));
      else set.add(live);
    }
  };

  const drop = (live: Live) => {
    rekey(live, []);
    if (byId.get(live.id) === live) byId.delete(live.id);
  };

  return {
    get: (id) => byId.get(id),
    take: (id, since) => {
      const known = byId.get(id);
      if (known !== undefined) return known;
      const live: Live = { id, kept: nothingKept, since, keys: [], ...fresh, isSending: false };
      byId.set(id, live);
      return live;
    },
    withKey: (key) => [...(byKey.get(key) ?? [])],
    settle: (live) => {
      const { process, revision } = live.kept;
      if (process !== undefined && isUnfinished(process)) {
        rekey(live, keysOf(live, definitions, onProblem));
        return true;
      }
      drop(live);
      ended.delete(live.id);
      ended.set(live.id, revision);
      const [oldest] = ended.keys();
      if (ended.size > mostEnded && oldest !== undefined) ended.delete(oldest);
      return false;
    },
    drop,
    endedAt: (id) => ended.get(id),
    all: () => byId.values(),
    count: () => byId.size,
  };
}

export function keyOf(index: string, value: string): string {
  return `${index}=${value}`;
}

function keysOf(
  { kept: { process } }: Live,
  definitions: Definitions,
  onProblem: (error: unknown, processId: string) => void,
): readonly string[] {
  const definition = process && definitions.of(process.definition, process.version);
  if (process === undefined || definition === undefined) return [];
  const current = 'step' in process.stage ? process.stage.step : 0;
  const view = viewOf(process);
  return completionsOf(definition).flatMap(({ step, index, completion }) => {
    if (index === undefined || step < current) return [];
    try {
      const value = completion.correlation?.of(view as never);
      return value === undefined ? [] : [keyOf(index, value)];
    } catch (error) {
      onProblem(error, process.id);
      return [];
    }
  });
}
