import { create, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { ProcessRunnerCheckpointSchema } from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import { deriveUuid } from '../kernel/derived-id.ts';
import type { JsonObject } from '../kernel/json.ts';
import { comparePositions, earliest, type Position } from '../kernel/position.ts';
import { streamName } from '../kernel/stream-name.ts';
import { fromToken, toToken } from '../kernel/token.ts';
import { at } from './events.ts';
import type { Live } from './live.ts';
import type { ProcessStore } from './ports.ts';

/** How far all runners of a name are, at least, and which processes had not ended then. */
export type Checkpoint = {
  readonly position: Position;
  readonly unfinished: readonly string[];
  /** The other unfinished ones have come to be after this position. */
  readonly othersAfter: Position;
};

/** What one checkpoint names at most: some 20 kB. Beyond it the log is read from the next one on. */
const mostNamed = 500;
const kept = 3;

export type Checkpoints = {
  readonly newest: () => Promise<Checkpoint | undefined>;
  readonly save: (checkpoint: Checkpoint, nowMs: number) => Promise<void>;
};

/**
 * In the stream `process_runner-<name>`, of which the newest events are kept. All runners of a name
 * share it: each one's word is true, for what it has seen to is in the streams of the processes.
 */
export function createCheckpoints(store: ProcessStore, name: string): Checkpoints {
  const stream = streamName('process_runner', name);
  const type = ProcessRunnerCheckpointSchema.typeName;
  return {
    newest: async () => {
      for await (const event of store.read(stream, { direction: 'backwards', limit: 1 })) {
        const data = event.data as ProtoJson;
        const message = fromJson(ProcessRunnerCheckpointSchema, data, {
          ignoreUnknownFields: true,
        });
        const position = fromToken(message.position);
        const othersAfter = fromToken(message.othersAfter);
        if (position === undefined || othersAfter === undefined) {
          throw new Error(`${stream} at revision ${event.revision} is no checkpoint`);
        }
        return { position, unfinished: message.unfinished, othersAfter };
      }
      return undefined;
    },
    save: async ({ position, unfinished, othersAfter }, nowMs) => {
      const message = create(ProcessRunnerCheckpointSchema, {
        position: toToken(position),
        unfinished: [...unfinished],
        othersAfter: toToken(othersAfter),
        at: at(nowMs),
      });
      const data = toJson(ProcessRunnerCheckpointSchema, message) as JsonObject;
      const id = deriveUuid(stream, JSON.stringify(data));
      const result = await store.append(stream, 'any', [{ id, type, data, metadata: {} }]);
      if (result.appended && result.revision === 0) await store.keepNewest(stream, kept);
    },
  };
}

export function checkpointOf(position: Position, live: Iterable<Live>): Checkpoint {
  const oldestFirst = [...live].sort((a, b) => comparePositions(a.since, b.since));
  const next = oldestFirst[mostNamed];
  return {
    position,
    unfinished: oldestFirst.slice(0, mostNamed).map(({ id }) => id),
    othersAfter: next === undefined ? position : earliest(position, next.since),
  };
}
