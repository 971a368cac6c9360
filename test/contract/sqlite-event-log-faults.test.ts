import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import {
  createSqliteEventLog,
  createSqliteEventSource,
} from '../../src/engines/sqlite/event-log.ts';
import { position, start } from '../../src/kernel/position.ts';
import {
  collect,
  collectEvents,
  freshStream,
  idsOf,
  sampleEvent,
  sampleEvents,
} from '../support/event-log-samples.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'event-log-'));
  path = join(folder, 'events.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A StoreFault that tells which file. */
const fault = (code: string) => ({
  name: 'StoreFault',
  code,
  message: expect.stringContaining(path),
});

function faultOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it has not failed');
}

/** The file, past the log. */
function opened(): Disposable & { readonly database: Database.Database } {
  const database = new Database(path);
  return { database, [Symbol.dispose]: () => database.close() };
}

function overwrite(from: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, from);
  closeSync(file);
}

const large = (bytes: number) => ({ ...sampleEvent(), data: { text: 'x'.repeat(bytes) } });

test('what is in a folder that it makes is for its owner alone', async () => {
  path = join(folder, 'data', 'log', 'events.db');
  await using _log = createSqliteEventLog({ path });
  for (const made of [join(folder, 'data'), join(folder, 'data', 'log')]) {
    expect(statSync(made).mode & 0o777).toBe(0o700);
  }
});

describe('a log that is full', () => {
  test('refuses appends, keeps what it has acknowledged, and goes on when there is room', async () => {
    const stream = freshStream();
    const acknowledged: string[] = [];
    {
      await using log = createSqliteEventLog({ path, maxBytes: 400_000 });
      const fill = async () => {
        for (;;) {
          const event = large(20_000);
          await log.append(stream, 'any', [event]);
          acknowledged.push(event.id);
        }
      };
      await expect(fill()).rejects.toMatchObject(fault('STORE_FULL'));
      expect(acknowledged.length).toBeGreaterThan(5);
      expect(idsOf(await collect(log.read(stream)))).toEqual(acknowledged);
      await expect(log.append(stream, 'any', [large(20_000)])).rejects.toMatchObject(
        fault('STORE_FULL'),
      );
      // Room is made in the file that is open.
      await log.keepNewest(stream, 1);
      await log.append(stream, acknowledged.length - 1, [large(20_000)]);
    }
    await using log = createSqliteEventLog({ path, maxBytes: 800_000 });
    await log.append(freshStream(), 'any', [large(300_000)]);
    expect(await collect(log.read(stream))).toHaveLength(1);
  });

  test('takes what fits of appends that come together', async () => {
    await using log = createSqliteEventLog({ path, maxBytes: 400_000 });
    const events = [sampleEvent(), large(500_000), sampleEvent()];
    const settled = await Promise.allSettled(
      events.map((event) => log.append(freshStream(), 'no_stream', [event])),
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: fault('STORE_FULL') });
    const stored = await collectEvents(log.readAll());
    expect(idsOf(stored)).toEqual([events[0]?.id, events[2]?.id]);
  });
});

describe('a log that another connection has locked', () => {
  test('keeps the thread free, and is appended to when the lock is gone', async () => {
    await using log = createSqliteEventLog({ path });
    using other = locked();
    const events = sampleEvents(3);
    let isSettled = false;
    const appends = events.map((event) =>
      log.append('a-1', 'any', [event]).finally(() => {
        isSettled = true;
      }),
    );
    for (let turn = 0; turn < 30; turn += 1) await pause(1);
    expect(isSettled).toBe(false);
    other.release();
    const results = await Promise.all(appends);
    expect(results.map(({ appended }) => appended)).toEqual([true, true, true]);
    expect(idsOf(await collect(log.read('a-1')))).toEqual(idsOf(events));
  });

  test('gives up when its patience ends, and works later', async () => {
    await using log = createSqliteEventLog({ path, patienceMs: 50 });
    {
      using _ = locked();
      const appended = log.append('a-1', 'any', [sampleEvent()]);
      await expect(appended).rejects.toMatchObject(fault('STORE_BUSY'));
    }
    const later = sampleEvent();
    await log.append('a-1', 'no_stream', [later]);
    expect(idsOf(await collect(log.read('a-1')))).toEqual([later.id]);
  });

  test('can be read', async () => {
    await using log = createSqliteEventLog({ path });
    await log.append('a-1', 'any', [sampleEvent()]);
    using _ = locked();
    expect(await collect(log.read('a-1'))).toHaveLength(1);
    expect(await collectEvents(log.readAll())).toHaveLength(1);
  });

  function locked(): Disposable & { readonly release: () => void } {
    const other = opened();
    other.database.exec('BEGIN IMMEDIATE');
    return { release: other[Symbol.dispose], [Symbol.dispose]: other[Symbol.dispose] };
  }
});

describe('a file that is not what it should be', () => {
  const openers = [createSqliteEventLog, createSqliteEventSource];

  test.each(openers)('a damaged header: %p', async (open) => {
    await createSqliteEventLog({ path })[Symbol.asyncDispose]();
    overwrite(0, Buffer.alloc(100, 0xa5));
    expect(faultOf(() => open({ path }))).toMatchObject(fault('STORE_CORRUPT'));
  });

  test.each(openers)('no database at all: %p', (open) => {
    closeSync(openSync(path, 'w'));
    overwrite(0, Buffer.from('a text that is longer than the header of a database. '.repeat(20)));
    expect(faultOf(() => open({ path }))).toMatchObject(fault('STORE_CORRUPT'));
  });

  test('damaged pages are reported by whoever meets them', async () => {
    {
      await using log = createSqliteEventLog({ path });
      for (let n = 0; n < 20; n += 1) await log.append('a-1', 'any', sampleEvents(100));
    }
    // The first pages are the schema and the roots of its tables.
    const from = 40 * 4096;
    overwrite(from, Buffer.alloc(statSync(path).size - from, 0xa5));
    await using log = createSqliteEventLog({ path });
    await expect(collectEvents(log.readAll())).rejects.toMatchObject(fault('STORE_CORRUPT'));
    await expect(collect(log.read('a-1'))).rejects.toMatchObject(fault('STORE_CORRUPT'));
    const { signal } = new AbortController();
    await expect(collect(log.subscribe({ signal }))).rejects.toMatchObject(fault('STORE_CORRUPT'));
    await expect(log.append('a-1', 'any', [sampleEvent()])).rejects.toMatchObject(
      fault('STORE_CORRUPT'),
    );
  });

  test.each(openers)("another application's database: %p", (open) => {
    const other = new Database(path);
    other.exec('CREATE TABLE things (id INTEGER)');
    other.close();
    const refused = faultOf(() => open({ path }));
    expect(refused).toMatchObject(fault('STORE_FAILED'));
    expect(String(refused)).toContain('another application');
  });

  test('a log of a version to come', async () => {
    await createSqliteEventLog({ path })[Symbol.asyncDispose]();
    const other = new Database(path);
    other.pragma('user_version = 99');
    other.close();
    expect(String(faultOf(() => createSqliteEventLog({ path })))).toContain('version 99');
  });

  test('a folder', () => {
    mkdirSync(path);
    expect(faultOf(() => createSqliteEventLog({ path }))).toMatchObject(fault('STORE_UNAVAILABLE'));
  });
});

describe('a log that is closed', () => {
  test('has settled what was asked of it, and refuses what comes', async () => {
    const log = createSqliteEventLog({ path });
    const events = sampleEvents(20);
    const appends = events.map((event) => log.append('a-1', 'any', [event]));
    const abort = new AbortController();
    const waiting = collect(log.subscribe({ signal: abort.signal }));
    const refused = expect(waiting).rejects.toMatchObject(fault('STORE_CLOSED'));
    await log[Symbol.asyncDispose]();
    expect((await Promise.all(appends)).map(({ appended }) => appended)).not.toContain(false);
    await refused;
    const closed = fault('STORE_CLOSED');
    await expect(log.append('a-1', 'any', [sampleEvent()])).rejects.toMatchObject(closed);
    await expect(log.keepNewest('a-1', 1)).rejects.toMatchObject(closed);
    await expect(log.findByCausation('a-1', 'x')).rejects.toMatchObject(closed);
    await expect(collect(log.read('a-1'))).rejects.toMatchObject(closed);
    await expect(log.head()).rejects.toMatchObject(closed);
    await using again = createSqliteEventSource({ path });
    expect(idsOf(await collectEvents(again.readAll()))).toEqual(idsOf(events));
  });
});

describe('a log in one file', () => {
  test('is empty at first, and says that this is its end', async () => {
    await using source = createSqliteEventSource({ path });
    expect(await source.head()).toEqual({ position: start, storedAt: 0 });
    expect(await source.countAfter(start)).toBe(0);
    expect(await collect(source.readAll())).toEqual([]);
    expect(await collect(source.readAll({ direction: 'backwards' }))).toEqual([]);
    const { signal } = new AbortController();
    for await (const batch of source.subscribe({ signal })) {
      expect(batch).toEqual({ events: [], position: start, live: true });
      break;
    }
  });

  test('counts exactly where events are removed', async () => {
    await using log = createSqliteEventLog({ path });
    await log.keepNewest('short-1', 3);
    for (let n = 0; n < 60; n += 1) {
      await log.append('short-1', 'any', sampleEvents(1 + (n % 50)));
      await log.append('long-1', 'any', sampleEvents(1 + ((n * 7) % 60)));
    }
    const left = (await collectEvents(log.readAll())).map((event) => Number(event.position.commit));
    const last = left.at(-1) ?? 0;
    expect(last).toBeGreaterThan(3_000);
    expect(left.length).toBeLessThan(last);
    expect(await log.countAfter(start)).toBe(left.length);
    for (let at = 0; at <= last + 2; at += 1) {
      const count = left.length - left.findLastIndex((one) => one <= at) - 1;
      expect([at, await log.countAfter(position(BigInt(at)))]).toEqual([at, count]);
    }
  });

  test('never uses a position again: the last event cannot be deleted', async () => {
    await using log = createSqliteEventLog({ path });
    await log.append('a-1', 'any', sampleEvents(10));
    using other = opened();
    expect(() => other.database.exec('DELETE FROM events')).toThrow('the last event of the log');
    expect(() => other.database.exec('DELETE FROM events WHERE position = 10')).toThrow();
    other.database.exec('DELETE FROM events WHERE position < 10');
    expect(await log.append('a-1', 9, [sampleEvent()])).toMatchObject({ position: position(11n) });
    await log.keepNewest('a-1', 1);
    expect(await log.append('a-2', 'any', [sampleEvent()])).toMatchObject({
      position: position(12n),
    });
  });

  test('refuses names and ids that it could not give back', async () => {
    await using log = createSqliteEventLog({ path });
    const event = sampleEvent();
    const refused = [
      log.append('', 'any', [event]),
      log.append('a-\ud800', 'any', [event]),
      log.append('a-\0', 'any', [event]),
      log.append('a-1', 'any', []),
      log.append('a-1', 0.5, [event]),
      log.append('a-1', 'any', [{ ...event, id: event.id.toUpperCase() }]),
      log.append('a-1', 'any', [{ ...event, type: '' }]),
      log.keepNewest('a-1', 0),
    ];
    for (const one of await Promise.allSettled(refused)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { name: 'RangeError' } });
    }
    expect(await log.head()).toMatchObject({ position: start });
  });
});
