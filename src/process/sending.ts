import type { Rejection } from '../kernel/rejection.ts';

/** Nothing is known of what was sent, or it may be accepted another time: it is sent again. */
export class NoOutcome extends Error {
  override readonly name = 'NoOutcome';
}

/** A refusal that says "try again" is none: the next attempt may be accepted. */
export function isTransient({ kind }: Rejection): boolean {
  return (
    kind === 'CONFLICT' || kind === 'OVERLOADED' || kind === 'UNAVAILABLE' || kind === 'TIMED_OUT'
  );
}

const firstBackoffMs = 100;
const longestBackoffMs = 30_000;

/** How long to wait after so many attempts, 1 or more. */
export function backoffMs(attempts: number): number {
  return Math.min(firstBackoffMs * 2 ** (attempts - 1), longestBackoffMs);
}

/** @throws NoOutcome where the time is over or `stop` aborts; what was begun may still take effect */
export async function within<Result>(
  timeoutMs: number,
  stop: AbortSignal,
  task: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
  const over = Promise.withResolvers<never>();
  const giveUp = () => over.reject(new NoOutcome('no outcome in time'));
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([task(signal), over.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
