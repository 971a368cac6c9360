import { create, type Message } from '@bufbuild/protobuf';
import { isRejection, type Rejection, reject } from '../kernel/rejection.ts';
import type { QueryRoute } from './catalogue.ts';
import { orRefusal } from './faults.ts';
import type { Vector } from './freshness.ts';
import type { Answer } from './kit.ts';
import { stamped } from './messages.ts';
import type { Answered, Handle, Run } from './middleware.ts';

type Items = AsyncIterable<Answer<QueryRoute['method']> | undefined>;

/** A run up to its first answer, and the rest of it. */
export async function begun(
  { method }: QueryRoute,
  items: Items,
  vector: Vector,
): Promise<Answered | Rejection> {
  const rest = messagesOf(method, items);
  for (;;) {
    const { done, value } = await rest.next();
    if (done) throw new Error(`${method.name}: a run without an answer`);
    if (value === undefined) {
      await turn();
      continue;
    }
    if (!isRejection(value)) return { answer: value, vector, rest };
    await rest.return();
    return value;
  }
}

async function* messagesOf(method: QueryRoute['method'], items: Items) {
  for await (const item of items) {
    yield item === undefined || isRejection(item) ? item : create(method.output, item);
  }
}

/**
 * Answers a run piece by piece, as its consumer takes the pieces. Between two of them, and wherever
 * the run says so, everything else that waits on the server has its turn. It ends when the call's
 * signal aborts.
 */
export function createRunning({ mostRuns }: { readonly mostRuns: number }) {
  let runs = 0;
  return async function* running(run: Run, first: Handle): AsyncGenerator<Message | Rejection> {
    if (runs >= mostRuns) {
      const message = `${runs} questions of this kind are being worked out already; ask again later`;
      yield reject('OVERLOADED', 'TOO_MANY_RUNS', message);
      return;
    }
    runs += 1;
    try {
      const told = await first(run);
      yield isRejection(told) ? told : stamped(run.route, told);
      if (!isRejection(told)) yield* restOf(run, told);
    } finally {
      runs -= 1;
    }
  };
}

async function* restOf(run: Run, told: Answered): AsyncGenerator<Message | Rejection> {
  const { rest, vector } = told;
  if (rest === undefined) return;
  try {
    while (!run.call.signal.aborted) {
      await turn();
      const item = await orRefusal(nextOf(rest));
      if (item === 'done') return;
      if (item === undefined) continue;
      yield isRejection(item) ? item : stamped(run.route, { answer: item, vector });
      if (isRejection(item)) return;
    }
  } finally {
    await rest.return?.();
  }
}

async function nextOf(rest: NonNullable<Answered['rest']>) {
  const { done, value } = await rest.next();
  return done ? 'done' : (value as Message | Rejection | undefined);
}

/** What waits for I/O or a timer comes first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
