/** Runs tasks of one key one after another, in the order of their calls; keys are independent. */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async function turn<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = last.get(key);
    const own = before === undefined ? task() : before.then(task, task);
    last.set(key, own);
    try {
      return await own;
    } finally {
      if (last.get(key) === own) last.delete(key);
    }
  };
}

/** Lets so many tasks run at once; the others wait in the order of their calls. */
export function createGate(most: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async function pass<Result>(task: () => Promise<Result>): Promise<Result> {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
