import { setTimeout as delay } from 'node:timers/promises';

/**
 * Sends at a fixed rate, whatever the answers do, and measures from the time that each was to be
 * sent at: one that a slow answer before it has kept waiting counts its wait.
 * @returns the milliseconds of each
 */
export async function openLoop(options: {
  readonly perSecond: number;
  readonly count: number;
  readonly send: (index: number) => Promise<unknown>;
}): Promise<readonly number[]> {
  const { perSecond, count, send } = options;
  const startsAt = performance.now() + 10;
  const timed = async (index: number, scheduledAt: number): Promise<number> => {
    await send(index);
    return performance.now() - scheduledAt;
  };
  const all: Promise<number>[] = [];
  let failure: { readonly error: unknown } | undefined;
  while (all.length < count && failure === undefined) {
    const nextAt = startsAt + (all.length * 1000) / perSecond;
    const ms = nextAt - performance.now();
    if (ms > 0) {
      await delay(ms);
      continue;
    }
    const one = timed(all.length, nextAt);
    one.catch((error: unknown) => {
      failure ??= { error };
    });
    all.push(one);
  }
  if (failure !== undefined) {
    await Promise.allSettled(all);
    throw failure.error;
  }
  return await Promise.all(all);
}
