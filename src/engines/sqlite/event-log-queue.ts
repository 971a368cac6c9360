import { StoreFault } from '../../kernel/fault.ts';
import { sqliteCode, toStoreFault } from './database.ts';

/** The steps of a write transaction. `begin` tells whether others have written since the last one. */
export type Transaction = {
  readonly begin: () => boolean;
  readonly commit: () => void;
  readonly rollback: () => void;
};

export type CommitQueueOptions = {
  /** Told in faults: "cannot append to /data/events.db". */
  readonly what: string;
  readonly transaction: Transaction;
  /** How long a job waits for other writers. */
  readonly patienceMs: number;
  readonly onCommit: () => void;
};

type Job = {
  readonly run: () => unknown;
  readonly size: number;
  readonly deadline: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: StoreFault) => void;
  /** A group with it has failed: it gets a transaction of its own. */
  alone: boolean;
};

const mostGroupSize = 1_024;
const spinMs = 2;
const longestPauseMs = 10;
const longHoldMs = 1;
const contendedMs = 100;

/**
 * Group commit: what is submitted in one turn of the event loop is done in one transaction, after
 * the I/O of that turn, when whoever can be in the group is in it. A job is settled after the commit.
 *
 * The lock of another writer is waited for without blocking the thread: tries in every turn of the
 * event loop for a short while, then with pauses of random length. Who has held the lock for long
 * while others write too, pauses before the next transaction, so that they get their turn.
 */
export function createCommitQueue(options: CommitQueueOptions) {
  const { what, transaction, patienceMs, onCommit } = options;
  let pending: Job[] = [];
  let scheduled = false;
  let closed = false;
  let onDrained: (() => void) | undefined;
  let busySince: number | undefined;
  let othersWroteAt = Number.NEGATIVE_INFINITY;
  let lastHoldMs = 0;

  /** `size`: how many rows it writes, about. @throws StoreFault */
  function submit<T>(size: number, run: () => T): Promise<T> {
    if (closed) return Promise.reject(new StoreFault('STORE_CLOSED', `${what}: it is closed`));
    return new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + patienceMs;
      const settle = resolve as (value: unknown) => void;
      pending.push({ run, size, deadline, resolve: settle, reject, alone: false });
      if (pending.length === 1) schedule();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    const pauseMs = nextPauseMs(performance.now());
    if (pauseMs === 0) setImmediate(flush);
    else setTimeout(flush, pauseMs);
  }

  function nextPauseMs(now: number): number {
    if (busySince === undefined) {
      return lastHoldMs > longHoldMs && now - othersWroteAt < contendedMs ? 1 : 0;
    }
    const waitedMs = now - busySince;
    return waitedMs < spinMs ? 0 : 1 + Math.random() * Math.min(longestPauseMs, waitedMs);
  }

  function flush(): void {
    scheduled = false;
    if (begin()) runGroup(takeGroup());
    if (pending.length > 0) schedule();
    else onDrained?.();
  }

  function begin(): boolean {
    try {
      if (transaction.begin()) othersWroteAt = performance.now();
    } catch (error) {
      failToBegin(error);
      return false;
    }
    busySince = undefined;
    return true;
  }

  function failToBegin(error: unknown): void {
    const fault = toStoreFault(error, what);
    const now = performance.now();
    const isBusy = fault.code === 'STORE_BUSY';
    if (isBusy) busySince ??= now;
    const given = pending.filter((job) => !isBusy || job.deadline <= now);
    pending = pending.filter((job) => isBusy && job.deadline > now);
    for (const job of given) job.reject(fault);
  }

  /** The first of what is pending, as many as one transaction should hold. */
  function takeGroup(): Job[] {
    let count = 0;
    let size = 0;
    for (const job of pending) {
      if (count > 0 && (job.alone || size + job.size > mostGroupSize)) break;
      count += 1;
      size += job.size;
      if (job.alone) break;
    }
    return pending.splice(0, count);
  }

  function runGroup(group: readonly Job[]): void {
    const beganAt = performance.now();
    let committing = false;
    let results: unknown[];
    try {
      results = group.map((job) => job.run());
      committing = true;
      transaction.commit();
    } catch (error) {
      transaction.rollback();
      failGroup(group, toGroupFault(error, committing));
      return;
    } finally {
      lastHoldMs = performance.now() - beganAt;
    }
    for (const [index, job] of group.entries()) job.resolve(results[index]);
    onCommit();
  }

  function toGroupFault(error: unknown, committing: boolean): StoreFault {
    const fault = toStoreFault(error, what);
    if (!committing || !sqliteCode(error).startsWith('SQLITE_IOERR')) return fault;
    const message = `${fault.message}; whether the events are stored is unknown`;
    return new StoreFault(fault.code, message, { cause: error });
  }

  /** One that does not fit, or that SQLite refuses, must not take the others with it. */
  function failGroup(group: readonly Job[], fault: StoreFault): void {
    if (group.length > 1 && (fault.code === 'STORE_FULL' || fault.code === 'STORE_FAILED')) {
      for (const job of group) job.alone = true;
      pending = [...group, ...pending];
    } else {
      for (const job of group) job.reject(fault);
    }
  }

  /** Takes nothing more, and resolves when all that was submitted is settled. */
  async function close(): Promise<void> {
    closed = true;
    if (pending.length === 0) return;
    await new Promise<void>((resolve) => {
      onDrained = resolve;
    });
  }

  return { submit, close };
}
