import { comparePositions, type Position } from '../kernel/position.ts';
import type { ReadModel, ViewProgress } from './read-models.ts';

const fastestMs = 1;
/** How slow the asking gets for somebody who waits for an answer, and for somebody who watches. */
export const slowestMs = { wait: 10, watch: 50 } as const;

type Waiter = {
  readonly satisfied: (progress: ViewProgress) => boolean;
  readonly slowestMs: number;
  readonly settle: (satisfied: boolean) => void;
  readonly fail: (error: unknown) => void;
};

type Loop = { readonly waiters: Set<Waiter>; delayMs: number; wake: () => void };

export type UntilOptions = {
  readonly timeoutMs: number;
  readonly slowestMs: number;
  readonly signal: AbortSignal;
};

/**
 * Waits for the progress of a view: true once it satisfies, false when the time is over or the
 * signal aborts. Fails as reading the progress does.
 */
export type Until = (
  model: ReadModel,
  satisfied: (progress: ViewProgress) => boolean,
  options: UntilOptions,
) => Promise<boolean>;

/**
 * Asks for the progress of a view only while somebody waits for it, and once for all of them: every
 * millisecond at first and after each move, slower while nothing happens.
 */
export function createPolling(read: (model: ReadModel) => Promise<ViewProgress>): Until {
  const loops = new Map<string, Loop>();

  const run = async (model: ReadModel, loop: Loop) => {
    let last: Position | undefined;
    while (loop.waiters.size > 0) {
      await pause(loop);
      if (loop.waiters.size === 0) break;
      try {
        const progress = await read(model);
        const moved = last !== undefined && comparePositions(last, progress.position) !== 0;
        last = progress.position;
        for (const waiter of [...loop.waiters]) {
          if (waiter.satisfied(progress)) waiter.settle(true);
        }
        loop.delayMs = moved ? fastestMs : slower(loop);
      } catch (error) {
        for (const waiter of [...loop.waiters]) waiter.fail(error);
      }
    }
    loops.delete(model.name);
  };

  const join = (model: ReadModel, waiter: Waiter): Loop => {
    const running = loops.get(model.name);
    const loop = running ?? { waiters: new Set(), delayMs: fastestMs, wake: () => undefined };
    loop.waiters.add(waiter);
    loop.delayMs = fastestMs;
    loop.wake();
    if (running === undefined) {
      loops.set(model.name, loop);
      void run(model, loop);
    }
    return loop;
  };

  return (model, satisfied, { timeoutMs, slowestMs, signal }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted || timeoutMs <= 0) {
        resolve(false);
        return;
      }
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        loop.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        satisfied,
        slowestMs,
        settle: (reached) => {
          leave();
          resolve(reached);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const giveUp = () => waiter.settle(false);
      const timer = setTimeout(giveUp, timeoutMs);
      signal.addEventListener('abort', giveUp);
      const loop = join(model, waiter);
    });
}

function slower(loop: Loop): number {
  const cap = Math.min(...[...loop.waiters].map((waiter) => waiter.slowestMs));
  return Math.min(cap, Math.ceil(loop.delayMs * 1.5));
}

/** Until the loop's delay is over, or somebody new comes. */
function pause(loop: Loop): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      loop.wake = () => undefined;
      resolve();
    };
    const timer = setTimeout(wake, loop.delayMs);
    loop.wake = wake;
  });
}
