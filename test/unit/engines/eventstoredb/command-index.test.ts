import { randomUUID } from 'node:crypto';
import { jsonEvent } from '@eventstore/db-client';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createAppend } from '../../../../src/engines/eventstoredb/appends.ts';
import { createClientPool, openAppender } from '../../../../src/engines/eventstoredb/clients.ts';
import { blockStream } from '../../../../src/engines/eventstoredb/command-blocks.ts';
import { createCommandIndex } from '../../../../src/engines/eventstoredb/command-index.ts';
import { createReads } from '../../../../src/engines/eventstoredb/reads.ts';
import type { EventStore } from '../../../../src/write/event-store.ts';
import { collect, freshStream, sampleEvents } from '../../../support/event-log-samples.ts';
import { eventStoreServer } from '../../../support/event-store-server.ts';

const server = eventStoreServer();
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

/** The index of one process, with a count of what it reads. */
function openIndex(entries = 1_000_000) {
  const connectionString = `esdb://127.0.0.1:${server.port()}?tls=false`;
  const appender = openAppender(connectionString);
  const reads = createReads(createClientPool(connectionString));
  const append = createAppend(appender, reads.read, { timeoutMs: 10_000, patienceMs: 10_000 });
  const asked: string[] = [];
  const read: EventStore['read'] = (stream, options) => {
    asked.push(stream);
    return reads.read(stream, options);
  };
  const index = createCommandIndex({ read, append }, { entries });
  closing.push(async () => {
    await index[Symbol.asyncDispose]();
    await reads.close();
    await appender.close();
  });
  return {
    ...index,
    asked,
    /** As the store does it. */
    append: async (stream: string, from: number, causation: string, count = 1) => {
      const events = sampleEvents(count, { causation });
      const result = await append(stream, from - 1, events);
      index.onAppended(stream, events, result);
      return result;
    },
    blocksOf: (stream: string) => collect(reads.read(blockStream(stream))),
  };
}

type Index = ReturnType<typeof openIndex>;

async function appendCommands(index: Index, stream: string, from: number, count: number) {
  const commands = Array.from({ length: count }, () => randomUUID());
  for (const [at, command] of commands.entries()) await index.append(stream, from + at, command);
  return commands;
}

/** Blocks are written beside the commands: as many as there will be. */
async function untilBlocks(index: Index, stream: string, count: number) {
  while ((await index.blocksOf(stream)).length < count);
}

describe('a look-up', () => {
  test('reads nothing where this process has made the stream', async () => {
    const index = openIndex();
    const stream = freshStream();
    const [first = '', second = ''] = await appendCommands(index, stream, 0, 2);
    expect(await index.find(stream, first, 1)).toEqual([0]);
    expect(await index.find(stream, second, 1)).toEqual([1]);
    expect(await index.find(stream, randomUUID(), 1)).toEqual([]);
    expect(index.asked).toEqual([]);
  });

  test('reads a stream that is not in memory once', async () => {
    const stream = freshStream();
    const commands = await appendCommands(openIndex(), stream, 0, 3);
    const index = openIndex();
    for (const command of [...commands, randomUUID()]) await index.find(stream, command, 2);
    expect(index.asked).toEqual([blockStream(stream), stream]);
  });

  test('that has to know more than was read reads on', async () => {
    const [one, other] = [openIndex(), openIndex()];
    const stream = freshStream();
    await one.append(stream, 0, randomUUID());
    const [command = ''] = await appendCommands(other, stream, 1, 1);
    // At a revision that this process has seen, the command is none; the append would conflict.
    expect(await one.find(stream, command, 0)).toEqual([]);
    // At the revision of a snapshot that the other has made there is no conflict to tell.
    expect(await one.find(stream, command, 1)).toEqual([1]);
  });

  test('that names no revision knows everything', async () => {
    const [one, other] = [openIndex(), openIndex()];
    const stream = freshStream();
    await one.append(stream, 0, randomUUID());
    const [command = ''] = await appendCommands(other, stream, 1, 1);
    expect(await one.find(stream, command)).toEqual([1]);
  });

  test('keeps the streams in memory that were used last', async () => {
    // A stream counts as 16, and each has one command: there is room for three.
    const index = openIndex(3 * 17);
    const streams = [freshStream(), freshStream(), freshStream(), freshStream()] as const;
    for (const stream of streams) await index.append(stream, 0, randomUUID());
    for (const stream of streams.slice(1)) await index.find(stream, randomUUID(), 0);
    expect(index.asked).toEqual([]);
    await index.find(streams[0], randomUUID(), 0);
    expect(index.asked).toEqual([blockStream(streams[0]), streams[0]]);
  });

  test('asks for what is being read already', async () => {
    const stream = freshStream();
    const commands = await appendCommands(openIndex(), stream, 0, 5);
    const index = openIndex();
    const found = await Promise.all(commands.map((command) => index.find(stream, command, 4)));
    expect(found).toEqual([[0], [1], [2], [3], [4]]);
    expect(index.asked).toEqual([blockStream(stream), stream]);
  });
});

describe('blocks', () => {
  test('say the commands of a long stream, so that its events need not be read', async () => {
    const writer = openIndex();
    const stream = freshStream();
    const commands = await appendCommands(writer, stream, 0, 513);
    await untilBlocks(writer, stream, 1);
    const [block] = await writer.blocksOf(stream);
    expect(block?.data).toMatchObject({ from: 0, through: 511 });
    const reader = openIndex();
    for (const at of [0, 100, 511, 512]) {
      expect(await reader.find(stream, commands[at] ?? '')).toEqual([at]);
    }
  });

  test('of two writers follow one another', async () => {
    const [one, other] = [openIndex(), openIndex()];
    const stream = freshStream();
    const commands = await appendCommands(one, stream, 0, 512);
    await untilBlocks(one, stream, 1);
    // The other reads the stream when it is asked, then writes the second block.
    await other.find(stream, '', 511);
    commands.push(...(await appendCommands(other, stream, 512, 512)));
    await untilBlocks(other, stream, 2);
    // The first one knows nothing of the second block until it writes its own.
    await one.find(stream, '', 1023);
    commands.push(...(await appendCommands(one, stream, 1024, 600)));
    await untilBlocks(one, stream, 3);
    const blocks = (await one.blocksOf(stream)).map(({ data }) => [data.from, data.through]);
    expect(blocks.slice(0, 2)).toEqual([
      [0, 511],
      [512, 1023],
    ]);
    expect(blocks[2]?.[0]).toBe(1024);
    const reader = openIndex();
    for (const [at, command] of commands.entries()) {
      expect(await reader.find(stream, command, commands.length - 1)).toEqual([at]);
    }
    expect(reader.asked).toEqual([blockStream(stream), stream]);
  });

  test('that are of other streams or none are passed over', async () => {
    const index = openIndex();
    const stream = freshStream();
    const commands = await appendCommands(index, stream, 0, 2);
    const data = { from: 0, through: 1, commands: '' };
    const other = jsonEvent({ type: 'Other', data });
    await server.connect().appendToStream(blockStream(stream), other);
    expect(await openIndex().find(stream, commands[1] ?? '')).toEqual([1]);
  });
});
