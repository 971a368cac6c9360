import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createSqliteEventLog,
  createSqliteEventSource,
} from '../../src/engines/sqlite/event-log.ts';
import { causationKey, type RecordedEvent } from '../../src/kernel/event.ts';
import { type Acknowledged, startAppender } from '../support/event-log-processes.ts';
import {
  areIncreasing,
  collectEvents,
  collectUntil,
  freshStream,
  idsOf,
} from '../support/event-log-samples.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'event-log-'));
  path = join(folder, 'new', 'events.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function readEverything(): Promise<RecordedEvent[]> {
  await using source = createSqliteEventSource({ path });
  return await collectEvents(source.readAll());
}

/** Streams without a gap, commands whole and in one piece, and every acknowledged one among them. */
function checkWhole(events: readonly RecordedEvent[], acknowledged: readonly Acknowledged[]): void {
  expect(areIncreasing(events.map(({ position }) => position))).toBe(true);
  for (const [, own] of Map.groupBy(events, ({ stream }) => stream)) {
    expect(own.map(({ revision }) => revision)).toEqual(own.map((_, index) => index));
  }
  const commands = Map.groupBy(events, ({ metadata }) => metadata[causationKey]);
  const pieces = [...commands.values()].filter((command) => command.length !== 3);
  expect(pieces).toEqual([]);
  const lost = acknowledged.filter(({ causation, stream, revision }) => {
    const last = commands.get(causation)?.at(-1);
    return last?.stream !== stream || last.revision !== revision;
  });
  expect(lost).toEqual([]);
}

describe('two writing processes on a file that is new', () => {
  test('on the same streams: both get on, a follower sees every event once', async () => {
    const streams = [freshStream(), freshStream(), freshStream()];
    const work = { callers: 8, appends: 150, streams };
    await using one = await startAppender(path, work);
    await using two = await startAppender(path, work);
    await using source = createSqliteEventSource({ path });
    const abort = new AbortController();
    const count = 2 * 8 * 150 * 3;
    const following = collectUntil(
      source.subscribe({ signal: abort.signal }),
      (_, seen) => seen === count,
    );
    one.go();
    two.go();
    expect(await one.ended()).toEqual({ code: 0, errors: '' });
    expect(await two.ended()).toEqual({ code: 0, errors: '' });
    const followed = await following;
    abort.abort();
    const acknowledged = [...one.acknowledged, ...two.acknowledged];
    expect(acknowledged).toHaveLength(2 * 8 * 150);
    checkWhole(followed, acknowledged);
    expect(idsOf(await readEverything())).toEqual(idsOf(followed));
  }, 180_000);

  test('at full speed on streams of their own: neither is kept waiting for the other', async () => {
    const work = (stream: string) => ({ callers: 8, appends: 100_000, streams: [stream] });
    const [mine, yours] = [freshStream('mine'), freshStream('yours')];
    await using one = await startAppender(path, work(mine));
    await using two = await startAppender(path, work(yours));
    one.go();
    two.go();
    await Promise.all([one.reached(300), two.reached(300)]);
    const [from, also] = [one.acknowledged.length, two.acknowledged.length];
    await Promise.race([one.reached(from + 3_000), two.reached(also + 3_000)]);
    const shares = [one.acknowledged.length - from, two.acknowledged.length - also];
    await one.kill();
    await two.kill();
    expect(Math.max(...shares)).toBeGreaterThanOrEqual(3_000);
    expect(Math.min(...shares)).toBeGreaterThan(300);
    checkWhole(await readEverything(), [...one.acknowledged, ...two.acknowledged]);
  }, 180_000);
});

test('what another process appends reaches a subscriber that waits', async () => {
  await using appender = await startAppender(path, { callers: 1, appends: 5, streams: ['a-1'] });
  await using source = createSqliteEventSource({ path });
  const abort = new AbortController();
  const seen: RecordedEvent[] = [];
  let isStarted = false;
  for await (const { events, live } of source.subscribe({ signal: abort.signal })) {
    seen.push(...events);
    if (live && !isStarted) appender.go();
    isStarted ||= live;
    if (seen.length === 15) abort.abort();
  }
  expect(await appender.ended()).toEqual({ code: 0, errors: '' });
  checkWhole(seen, appender.acknowledged);
});

test('killed at random 20 times: nothing acknowledged is lost, nothing is there in part', async () => {
  const streams = [freshStream(), freshStream()];
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < 20; round += 1) {
    await using appender = await startAppender(path, { callers: 6, appends: 100_000, streams });
    appender.go();
    await appender.reached(1 + Math.floor(Math.random() * 400));
    await appender.kill();
    acknowledged.push(...appender.acknowledged);
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(20);
  checkWhole(await readEverything(), acknowledged);
  await using log = createSqliteEventLog({ path });
  for (const { stream, causation, revision } of acknowledged.slice(-50)) {
    const found = await log.findByCausation(stream, causation);
    expect(found.map((event) => event.revision)).toEqual([revision - 2, revision - 1, revision]);
  }
}, 120_000);
