import { toStoreFault } from './database.ts';

type Waiter = {
  readonly after: number;
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
};

const shortestMs = 5;
const longestMs = 20;
const growth = 1.2;

/**
 * Waits for the log to grow. An append of this process wakes at once; those of others are found by
 * looking, every 5 ms after something came, up to every 20 ms when nothing does. Looking at the
 * highest position costs some microseconds, and nothing is done while nobody waits.
 */
export function createTail(what: string, readHead: () => number) {
  let waiters: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;
  let intervalMs = shortestMs;

  function look(): void {
    if (waiters.length === 0) return;
    try {
      release(readHead());
    } catch (error) {
      fail(toStoreFault(error, what));
    }
  }

  function release(head: number): void {
    const ready = waiters.filter((waiter) => head > waiter.after);
    if (ready.length === 0) return;
    intervalMs = shortestMs;
    waiters = waiters.filter((waiter) => head <= waiter.after);
    for (const waiter of ready) waiter.resolve();
  }

  function fail(fault: Error): void {
    const failed = waiters;
    waiters = [];
    for (const waiter of failed) waiter.reject(fault);
  }

  function poll(): void {
    timer = undefined;
    intervalMs = Math.min(longestMs, intervalMs * growth);
    look();
    schedule();
  }

  function schedule(): void {
    if (waiters.length > 0) timer ??= setTimeout(poll, intervalMs);
    else clearTimeout(timer);
    if (waiters.length === 0) timer = undefined;
  }

  /** Resolves when there are events after the position, or the signal aborts. @throws StoreFault */
  async function moved(after: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let onAbort = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = resolve;
        signal.addEventListener('abort', onAbort);
        waiters.push({ after, resolve, reject });
        schedule();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      waiters = waiters.filter((waiter) => waiter.resolve !== onAbort);
      schedule();
    }
  }

  return { moved, wake: look, fail };
}

export type Tail = ReturnType<typeof createTail>;
