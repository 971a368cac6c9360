import { comparePositions, isAfter, type Position, start } from '../kernel/position.ts';
import type { OpenInterest } from './kit.ts';

/** The interests of a policy as of a position of the log. */
export type InterestsThen = {
  /** Those that were opened first. */
  readonly oldest: readonly OpenInterest[];
  /** All others were opened after this position. */
  readonly othersAfter: Position;
};

/** The open interests of one policy, as far as the log has been delivered. */
export type Interests = {
  /** In the order of the log. */
  readonly open: (interest: OpenInterest) => void;
  readonly close: (target: string, at: Position) => void;
  readonly withKey: (key: string) => readonly OpenInterest[];
  readonly count: () => number;
  /** Those that were open at a position, which never goes back from one call to the next. */
  readonly asOf: (position: Position) => InterestsThen;
  readonly clear: () => void;
};

type Ended = { readonly interest: OpenInterest; readonly at: Position };

/** `asOf` names so many at most: beyond them, the log has to be read from the last of them on. */
export function createInterests(mostNamed: number): Interests {
  // In the order in which they were opened.
  const byTarget = new Map<string, OpenInterest>();
  const byKey = new Map<string, Set<OpenInterest>>();
  /** Closed after the position that was last asked for: open then. */
  let ended: Ended[] = [];

  const close = (target: string, at: Position) => {
    const interest = byTarget.get(target);
    if (interest === undefined) return;
    byTarget.delete(target);
    const set = byKey.get(interest.key);
    set?.delete(interest);
    if (set?.size === 0) byKey.delete(interest.key);
    ended.push({ interest, at });
  };

  return {
    open: (interest) => {
      const { target, key, openedBy } = interest;
      close(target, openedBy.position);
      byTarget.set(target, interest);
      const set = byKey.get(key);
      if (set === undefined) byKey.set(key, new Set([interest]));
      else set.add(interest);
    },
    close,
    withKey: (key) => [...(byKey.get(key) ?? [])],
    count: () => byTarget.size,
    asOf: (position) => {
      ended = ended.filter(({ at }) => isAfter(at, position));
      const wasOpen = ({ openedBy }: OpenInterest) => !isAfter(openedBy.position, position);
      const then = ended.map(({ interest }) => interest).filter(wasOpen);
      let own = 0;
      for (const interest of byTarget.values()) {
        if (own > mostNamed || !wasOpen(interest)) break;
        then.push(interest);
        own += 1;
      }
      then.sort((a, b) => comparePositions(a.openedBy.position, b.openedBy.position));
      const next = then[mostNamed]?.openedBy.position;
      if (next === undefined) return { oldest: then, othersAfter: position };
      // One event may have opened several: all of them are named, or none.
      const oldest = then.filter(({ openedBy }) => isAfter(next, openedBy.position));
      return { oldest, othersAfter: oldest.at(-1)?.openedBy.position ?? start };
    },
    clear: () => {
      byTarget.clear();
      byKey.clear();
      ended = [];
    },
  };
}
