import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../kernel/telemetry.ts';
import type { ReadModelStore } from './read-model-store.ts';

/** A projector that is killed is followed after so long, and the half second of `lookMs`, at most. */
export const leaseMs = 5_000;
const renewMs = 1_500;
const lookMs = 250;

/**
 * Runs `work` for as long as `owner` has the lease, one term after another:
 *
 *     standing by --the lease is free, or its own of before--> working
 *     working --the lease is another's, or could not be renewed in time--> standing by
 *     either --signal--> over; the lease is given back
 *
 * `work` ends when the signal of its term aborts. That may come late, in a process that hung: whether
 * the lease is held is told by `holds`, from when it was asked for last. Where that is too long ago
 * (an index of a large generation was made) it is the store that knows: while nobody else has had the
 * lease since, the term goes on.
 *
 * @throws what the store throws where it cannot be asked for the lease
 */
export async function workWhileLeased(options: {
  readonly store: Pick<ReadModelStore, 'lease' | 'prolong' | 'leasedBy'>;
  readonly owner: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly work: (term: AbortSignal, holds: () => Promise<boolean>) => Promise<void>;
  /** Who works meanwhile; undefined where that is not known yet. */
  readonly onStandby: (worker: string | undefined) => void;
}): Promise<void> {
  const { store, owner, log, signal, work, onStandby } = options;
  let worker: string | undefined;
  // The store counts from when it is asked, which is later than this.
  const lease: Lease = { heldUntil: 0 };
  const ask = (how: 'lease' | 'prolong') => async (): Promise<boolean> => {
    const askedAt = performance.now();
    const isOurs = await store[how](owner, leaseMs);
    lease.heldUntil = isOurs ? askedAt + leaseMs : 0;
    return isOurs;
  };
  const [take, prolong] = [ask('lease'), ask('prolong')];
  while (!signal.aborted) {
    if (!(await take())) {
      const now = await store.leasedBy();
      if (now !== worker) log.info({ worker: now }, 'another projector works: this one stands by');
      worker = now;
      onStandby(worker);
      await delay(lookMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    worker = undefined;
    const end = new AbortController();
    const term = AbortSignal.any([signal, end.signal]);
    const renewing = renew({ log, lease, prolong }, term).finally(() => end.abort());
    const holds = async () =>
      performance.now() < lease.heldUntil || (!term.aborted && (await prolong()));
    try {
      await work(term, holds);
    } finally {
      end.abort();
      await renewing;
    }
    if (!signal.aborted) {
      log.warn({ owner }, 'the lease is lost: another projector may work now');
      continue;
    }
    lease.heldUntil = 0;
    // Where it cannot be given back it ends by itself.
    await store.lease(owner, 0).catch((error) => log.debug({ err: error }, 'lease not given back'));
  }
}

/** heldUntil: by `performance.now()` */
type Lease = { heldUntil: number };

/** Ends when the lease is lost. */
async function renew(
  options: { readonly log: Log; readonly lease: Lease; readonly prolong: () => Promise<boolean> },
  term: AbortSignal,
): Promise<void> {
  const { log, lease, prolong } = options;
  for (;;) {
    await delay(renewMs, undefined, { signal: term }).catch(() => undefined);
    if (term.aborted) return;
    try {
      if (!(await prolong())) return;
    } catch (error) {
      log.warn({ err: error }, 'the lease could not be renewed');
      if (performance.now() > lease.heldUntil) return;
    }
  }
}
