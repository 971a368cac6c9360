/** What has to be looked at when, in memory: it follows from the streams of the processes. */
export type Timers = {
  /** Replaces what was set for the id; undefined forgets it. */
  readonly set: (id: string, atMs: number | undefined) => void;
  readonly next: () => number | undefined;
  /** Takes out all ids whose time has come, earliest first. */
  readonly takeDue: (nowMs: number) => readonly string[];
};

type Entry = { readonly id: string; readonly atMs: number };

/**
 * A binary heap. What was replaced stays in it until its time, and is left out then. `onEarlier` is
 * told when the next time is earlier than it was.
 */
export function createTimers(onEarlier: (atMs: number) => void = () => {}): Timers {
  const heap: Entry[] = [];
  const current = new Map<string, Entry>();

  const dropReplaced = () => {
    for (let top = heap[0]; top !== undefined && current.get(top.id) !== top; top = heap[0]) {
      pop(heap);
    }
  };

  return {
    set: (id, atMs) => {
      if (atMs === undefined) {
        current.delete(id);
        return;
      }
      if (current.get(id)?.atMs === atMs) return;
      const entry = { id, atMs };
      current.set(id, entry);
      const before = heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
      push(heap, entry);
      if (atMs < before) onEarlier(atMs);
    },
    next: () => {
      dropReplaced();
      return heap[0]?.atMs;
    },
    takeDue: (nowMs) => {
      const due: string[] = [];
      for (dropReplaced(); heap[0] !== undefined && heap[0].atMs <= nowMs; dropReplaced()) {
        const { id } = pop(heap);
        current.delete(id);
        due.push(id);
      }
      return due;
    },
  };
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as Entry;
    if (parent.atMs <= entry.atMs) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

/** The heap is not empty. */
function pop(heap: Entry[]): Entry {
  const top = heap[0] as Entry;
  const last = heap.pop() as Entry;
  if (heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    const left = heap[below];
    const right = heap[below + 1];
    if (left === undefined) break;
    if (right !== undefined && right.atMs < left.atMs) below += 1;
    const least = heap[below] as Entry;
    if (least.atMs >= last.atMs) break;
    heap[at] = least;
    at = below;
  }
  heap[at] = last;
  return top;
}
