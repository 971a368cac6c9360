import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { guardAppends } from '../../../../src/engines/eventstoredb/append-guard.ts';

/** A client with one stream of appends, and what it is told by that, in order. */
async function openStream() {
  const stream = Object.assign(new EventEmitter(), { write: () => true, destroy: () => {} });
  const told: unknown[] = [];
  const client = { createGRPCClient: async () => ({ batchAppend: () => stream }) };
  guardAppends(client as unknown as EventStoreDBClient);
  const grpc = await client.createGRPCClient();
  grpc
    .batchAppend()
    .on('data', (answer: unknown) => told.push(answer))
    .on('error', (error: Error) => told.push(error.message));
  return { stream, told };
}

const answers = Array.from({ length: 100 }, (_, i) => i);

test('answers that come at once are told in their order, a few in each turn', async () => {
  const { stream, told } = await openStream();
  for (const answer of answers) stream.emit('data', answer);
  const counts: number[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    await nextTurn();
    counts.push(told.length);
  }
  expect(told).toEqual(answers);
  expect(counts.filter((count) => count < 100).length).toBeGreaterThan(1);
});

test('answers that have come are told before the stream breaks', async () => {
  const { stream, told } = await openStream();
  for (const answer of answers) stream.emit('data', answer);
  stream.emit('error', new Error('broken'));
  expect(told).toEqual([...answers, 'broken']);
  await nextTurn();
  expect(told.length).toBe(101);
});
