/**
 * What is to be done again, each thing once however often it comes, in the order in which it came;
 * some of it before all else. The numbers say which came before which.
 */
export function createDue() {
  const first = new Map<string, number>();
  const later = new Map<string, number>();
  let next = 0;

  return {
    add: (id: string, when: 'first' | 'later') => {
      const waiting = later.get(id);
      if (first.has(id) || (waiting !== undefined && when === 'later')) return;
      // With the number that it has: what waits for it has waited as long.
      later.delete(id);
      (when === 'first' ? first : later).set(id, waiting ?? next);
      next += 1;
    },
    take: (most: number): readonly string[] => {
      const ids: string[] = [];
      for (const queue of [first, later]) {
        for (const id of queue.keys()) {
          if (ids.length >= most) return ids;
          queue.delete(id);
          ids.push(id);
        }
      }
      return ids;
    },
    /** The number of what has waited longest; infinity where nothing waits. */
    oldest: () => {
      let oldest = later.values().next().value ?? Number.POSITIVE_INFINITY;
      for (const number of first.values()) oldest = Math.min(oldest, number);
      return oldest;
    },
    /** That of what comes next. */
    next: () => next,
    size: () => first.size + later.size,
  };
}
