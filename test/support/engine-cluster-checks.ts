import { expect } from '@jest/globals';
import { createEventStoreDbSource } from '../../src/engines/eventstoredb/store.ts';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { causationKey } from '../../src/kernel/event.ts';
import { isAfter } from '../../src/kernel/position.ts';
import { fromToken, toToken } from '../../src/kernel/token.ts';
import type { Said } from './engine-cluster-clients.ts';

/**
 * What has to be the same in every answer to one command. Not the token: commands that share an append
 * are told its end at first.
 */
function outcomeOf({
  commandId,
  aggregateId,
  stream,
  revision,
  events,
  acceptedAt,
}: CommandReceipt) {
  return { commandId, aggregateId, stream, revision, events, acceptedAt };
}

/** Every answer to one command is the first one, and all but that one say so. */
export function checkReceipts(all: Iterable<Said>): void {
  for (const { receipts, unanswered } of all) {
    const [first, ...others] = receipts;
    if (first === undefined) continue;
    for (const other of others) expect(outcomeOf(other)).toEqual(outcomeOf(first));
    const own = receipts.filter(({ repeated }) => !repeated).length;
    // The first answer of all may be one that a server was killed before it gave.
    if (own !== 1 && !(own === 0 && unanswered > 0)) {
      throw new Error(`${first.commandId} is answered ${own} times as if for the first time`);
    }
  }
}

/**
 * Each command that was accepted is once in its stream, where its receipt says; one that was refused
 * is not in it; nothing else is.
 *
 * streams: those that only these commands have written to
 * @returns how many events they have, and the token of what is as fresh as they are
 */
export async function checkStreams(
  connectionString: string,
  streams: readonly string[],
  all: ReadonlyMap<string, Said>,
): Promise<{ readonly events: number; readonly token: string }> {
  await using source = createEventStoreDbSource({ connectionString });
  const stored = new Map<string, string[]>();
  let events = 0;
  for (const stream of streams) {
    for await (const { metadata, revision, position } of source.readStream(stream)) {
      const command = String(metadata[causationKey]);
      for (const { consistencyToken } of all.get(command)?.receipts ?? []) {
        const token = fromToken(consistencyToken);
        if (token !== undefined && !isAfter(position, token)) continue;
        throw new Error(`the token ${consistencyToken} of ${command} is before its events`);
      }
      stored.set(command, [...(stored.get(command) ?? []), `${stream}@${revision}`]);
      events += 1;
    }
  }
  const told = new Map(
    [...all]
      .filter(([, { receipts }]) => receipts.length > 0)
      .map(([id, { receipts }]) => [
        id,
        receipts[0]?.events.map(({ revision }) => `${receipts[0]?.stream}@${revision}`) ?? [],
      ]),
  );
  const wrong = [...new Set([...told.keys(), ...stored.keys()])]
    .map((id) => ({ id, told: told.get(id), stored: stored.get(id) }))
    .filter(({ told, stored }) => told?.join() !== stored?.join());
  expect(wrong.slice(0, 10)).toEqual([]);
  return { events, token: toToken((await source.head()).position) };
}
