import { equals, type Message } from '@bufbuild/protobuf';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { QueryRoute } from './catalogue.ts';
import { orRefusal } from './faults.ts';
import { progressKey, type Vector } from './freshness.ts';
import { stamped, without } from './messages.ts';
import type { Answered, Handle, Run } from './middleware.ts';
import { slowestMs, type Until } from './polling.ts';

export type WatchOptions = {
  readonly until: Until;
  /** The answer once more, after a first one that has passed all middleware. */
  readonly again: Handle;
  readonly limits: { readonly watchEveryMs: number; readonly maxAgeMs: number };
};

/**
 * Answers now, and again whenever a view has moved and the answer is another one. It asks only when
 * its consumer takes the answer before, so a slow one skips states, never the last. It ends when
 * the call's signal aborts, and with a refusal as its last item, also when the record is gone.
 */
export function createWatch({ until, again, limits }: WatchOptions) {
  return async function* watch(run: Run, first: Handle): AsyncGenerator<Message | Rejection> {
    const { signal } = run.call;
    let told = await first(run);
    if (isRejection(told)) {
      yield told;
      return;
    }
    yield stamped(run.route, told);
    let seen = told.vector;
    while (!signal.aborted) {
      await elapsed(limits.watchEveryMs, signal);
      const moved = await orRefusal(untilMoved(seen, until, limits.maxAgeMs, signal));
      if (signal.aborted) return;
      const next = isRejection(moved) ? moved : await again(run);
      if (isRejection(next)) {
        yield next;
        return;
      }
      seen = next.vector;
      if (sameAnswer(run.route, told, next)) continue;
      told = next;
      yield stamped(run.route, next);
    }
  };
}

function sameAnswer({ method, freshness }: QueryRoute, a: Answered, b: Answered): boolean {
  return equals(method.output, without(a.answer, freshness), without(b.answer, freshness));
}

/** Until one of the views is elsewhere, or the time is over. */
async function untilMoved(
  vector: Vector,
  until: Until,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const options = {
    timeoutMs,
    slowestMs: slowestMs.watch,
    signal: AbortSignal.any([signal, enough.signal]),
  };
  const waits = vector.map(({ view, progress }) => {
    const before = progressKey(progress);
    return until(view, (after) => progressKey(after) !== before, options);
  });
  try {
    await Promise.race(waits);
  } finally {
    enough.abort();
    await Promise.allSettled(waits);
  }
}

function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
