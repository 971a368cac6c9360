import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import { createSqliteWireLog } from '../../../src/engines/sqlite/wire-log.ts';
import type {
  AllPageRequest,
  NewWireEvent,
  WireFilter,
  WireLog,
} from '../../../src/event-store/log.ts';
import { failureOf } from '../../support/event-store-server.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
const opened: AsyncDisposable[] = [];
afterAll(async () => {
  for (const log of opened) await log[Symbol.asyncDispose]();
});

function open(options: { maxBytes?: number } = {}) {
  const path = join(folder, `${randomUUID()}.db`);
  const log = createSqliteWireLog({ path, synchronous: 'NORMAL', ...options });
  opened.push(log);
  return { log, path };
}

function newEvent(more: Partial<NewWireEvent> = {}): NewWireEvent {
  const data = Buffer.from('{}');
  return { id: randomUUID(), type: 'T', isJson: true, data, metadata: data, ...more };
}

const write = (log: WireLog, stream: string, events: readonly NewWireEvent[]) =>
  log.write(events.length, (view) => view.insert(stream, view.lastRevision(stream) + 1, events));

describe('the log of the protocol server', () => {
  test('remembers nothing of what was not written', async () => {
    const { log } = open();
    const [lost, kept] = [newEvent(), newEvent()];
    const failing = log.write(1, (view) => {
      view.insert('order-1', 0, [lost]);
      throw new Error('on purpose');
    });
    // Both are in one transaction at first: the one that fails does not take the other with it.
    const [failure] = await Promise.all([failureOf(failing), write(log, 'order-1', [kept])]);

    const found = await log.write(0, (view) => [
      view.find(lost.id),
      view.find(kept.id),
      view.lastRevision('order-1'),
    ]);
    expect(String(failure)).toContain('on purpose');
    expect(found).toEqual([undefined, { stream: 'order-1', revision: 0, position: 1 }, 0]);
  });

  test('sees what another process has written since', async () => {
    const { log, path } = open();
    const embedded = createSqliteEventLog({ path });
    opened.push(embedded);
    await write(log, 'order-1', [newEvent()]);
    const event = { id: randomUUID(), type: 'U', data: {}, metadata: {} };
    await embedded.append('order-1', 0, [event]);

    const revision = await log.write(0, (view) => view.lastRevision('order-1'));

    expect(revision).toBe(1);
    expect((await log.read((view) => view.newest('order-1')))?.id).toBe(event.id);
  });

  test('refuses what an embedded writer would append to a tombstone', async () => {
    const { log, path } = open();
    const embedded = createSqliteEventLog({ path });
    opened.push(embedded);
    await log.write(1, (view) => view.insert('order-1', Number.MAX_SAFE_INTEGER, [newEvent()]));
    const event = { id: randomUUID(), type: 'U', data: {}, metadata: {} };

    expect(await failureOf(embedded.append('order-1', 'any', [event]))).toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(await embedded.append('order-1', 0, [event])).toMatchObject({ appended: false });
  });

  test('keeps bytes and texts as they were, and whether they are JSON', async () => {
    const { log } = open();
    const contents = ['', '{"a":"ä"}', 'no JSON', '\0', Buffer.from([255, 0])].flatMap((content) =>
      [true, false].map((isJson) => newEvent({ data: Buffer.from(content), isJson })),
    );
    await write(log, 'order-1', contents);

    const { events } = await log.read((view) =>
      view.streamPage({ stream: 'order-1', direction: 'forwards', first: 0, last: 99, limit: 99 }),
    );

    expect(events.map(({ data, isJson }) => [data, isJson])).toEqual(
      contents.map(({ data, isJson }) => [data, isJson]),
    );
  });

  test('tells a full disk, and goes on reading', async () => {
    const { log } = open({ maxBytes: 200_000 });
    await write(log, 'order-1', [newEvent()]);
    const large = newEvent({ data: Buffer.alloc(300_000, 'x') });

    expect(await failureOf(write(log, 'order-1', [large]))).toMatchObject({ code: 'STORE_FULL' });
    expect(await log.read((view) => view.head())).toBe(1);
    await write(log, 'order-1', [newEvent()]);
  });

  test('is closed when it is closed', async () => {
    const { log } = open();
    const waiting = log.moved(0, new AbortController().signal);
    await log[Symbol.asyncDispose]();
    opened.splice(opened.indexOf(log), 1);

    expect(await failureOf(waiting)).toMatchObject({ code: 'STORE_CLOSED' });
    expect(await failureOf(write(log, 'a', [newEvent()]))).toMatchObject({ code: 'STORE_CLOSED' });
    expect(await failureOf(log.read((view) => view.head()))).toMatchObject({
      code: 'STORE_CLOSED',
    });
  });
});

describe('a page', () => {
  const all = (log: WireLog, filter: WireFilter | undefined, more: Partial<AllPageRequest> = {}) =>
    log.read((view) => {
      const bounds = { first: 1, last: 1_000, limit: 1_000 };
      const { events, isCut } = view.allPage({ direction: 'forwards', ...bounds, filter, ...more });
      return { positions: events.map(({ position }) => position), isCut };
    });

  test('has the types that pass, those too that are new since the last one', async () => {
    const { log } = open();
    const asked: string[] = [];
    const filter: WireFilter = {
      on: 'type',
      passes: (name) => {
        asked.push(name);
        return name.startsWith('A');
      },
    };
    const append = (...types: string[]) =>
      write(
        log,
        'order-1',
        types.map((type) => newEvent({ type })),
      );
    await append('A', 'B', 'A');
    const first = await all(log, filter);
    await append('AA', 'B', 'A');
    const second = await all(log, filter);

    expect(first.positions).toEqual([1, 3]);
    expect(second.positions).toEqual([1, 3, 4, 6]);
    // Each type is looked at once.
    expect(asked).toEqual(['A', 'B', 'AA']);
  });

  test('has the streams that pass, by the filter that asks', async () => {
    const { log } = open();
    for (const stream of ['a-1', 'b-1', 'a-2']) await write(log, stream, [newEvent()]);
    const by = (start: string): WireFilter => ({
      on: 'stream',
      passes: (name) => name.startsWith(start),
    });
    const [a, b] = [by('a'), by('b')];

    expect((await all(log, a)).positions).toEqual([1, 3]);
    expect((await all(log, b)).positions).toEqual([2]);
    expect((await all(log, a, { direction: 'backwards' })).positions).toEqual([3, 1]);
  });

  test('ends at its limit, and where its events would fill the memory', async () => {
    const { log } = open();
    const data = Buffer.alloc(900_000, 'x');
    for (let count = 0; count < 7; count += 1) await write(log, 'a', [newEvent({ data })]);

    expect(await all(log, undefined, { limit: 2 })).toEqual({ positions: [1, 2], isCut: true });
    expect(await all(log, undefined)).toEqual({ positions: [1, 2, 3, 4, 5], isCut: true });
    expect(await all(log, undefined, { first: 6 })).toEqual({ positions: [6, 7], isCut: false });
  });
});
