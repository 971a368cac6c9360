import type { Position } from '../kernel/position.ts';

/** An event, and how many of its commands have no outcome yet; 0 from the start: only a position. */
export type Tracked = { position: Position; readonly storedAt: number; left: number };

/** How far all that was taken is done. */
export type Progress = {
  /** In the order of the log. */
  readonly push: (tracked: Tracked) => void;
  /** To be called when one has none left. */
  readonly advance: () => void;
  /** Undefined until something was done. */
  readonly done: () => Position | undefined;
  readonly length: () => number;
  /** When the first event was stored that has commands without an outcome. */
  readonly oldestAt: () => number | undefined;
};

export function createProgress(): Progress {
  let all: Tracked[] = [];
  let done: Position | undefined;
  return {
    push: (tracked: Tracked) => {
      const last = all.at(-1);
      if (last !== undefined && last.left === 0 && tracked.left === 0) {
        last.position = tracked.position;
      } else all.push(tracked);
    },
    advance: () => {
      const first = all.findIndex(({ left }) => left > 0);
      const over = first < 0 ? all : all.slice(0, first);
      done = over.at(-1)?.position ?? done;
      if (over.length > 0) all = first < 0 ? [] : all.slice(first);
    },
    done: () => done,
    length: () => all.length,
    oldestAt: () => all.find(({ left }) => left > 0)?.storedAt,
  };
}
