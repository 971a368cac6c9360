import { join } from 'node:path';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { eventsFile } from './command-bus.ts';
import type { StreamEvent } from './events.ts';
import { openLoop } from './open-loop.ts';
import { tradingMix } from './trading-mix.ts';

/** What was appended: its place in the log, and when it was there, in milliseconds since 1970. */
export type Appended = { readonly commits: readonly number[]; readonly times: readonly number[] };

const eventsAtOnce = 500;
const mostEvents = 10_000_000;

let current:
  | { readonly log: ReturnType<typeof createSqliteEventLog>; readonly mix: Mix }
  | undefined;
type Mix = Generator<StreamEvent>;

export function open({ folder }: { readonly folder: string }): void {
  const log = createSqliteEventLog({ path: join(folder, eventsFile), synchronous: 'NORMAL' });
  current = { log, mix: tradingMix(mostEvents) };
}

/** One by one, at a fixed rate. */
export async function appendAt(input: {
  readonly perSecond: number;
  readonly count: number;
}): Promise<Appended> {
  const appended: { readonly commit: number; readonly at: number }[] = [];
  const send = async () => {
    appended.push(await append());
  };
  await openLoop({ ...input, send });
  appended.sort((a, b) => a.commit - b.commit);
  return { commits: appended.map(({ commit }) => commit), times: appended.map(({ at }) => at) };
}

/** As fast as it goes. @returns the place of the last one */
export async function appendMany({ count }: { readonly count: number }): Promise<number> {
  let last = 0;
  for (let done = 0; done < count; done += eventsAtOnce) {
    const size = Math.min(eventsAtOnce, count - done);
    const appended = await Promise.all(Array.from({ length: size }, append));
    last = Math.max(last, ...appended.map(({ commit }) => commit));
  }
  return last;
}

export async function close(): Promise<void> {
  await current?.log[Symbol.asyncDispose]();
  current = undefined;
}

async function append(): Promise<{ readonly commit: number; readonly at: number }> {
  const next = current?.mix.next();
  if (current === undefined || next === undefined || next.done) throw new Error('nothing is open');
  const { stream, event } = next.value;
  const appended = await current.log.append(stream, 'any', [event]);
  const at = performance.timeOrigin + performance.now();
  if (!appended.appended) throw new Error(`${stream} is elsewhere`);
  return { commit: Number(appended.position.commit), at };
}
