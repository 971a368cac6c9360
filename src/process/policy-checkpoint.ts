import { create, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { PolicyCheckpointSchema } from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import { deriveUuid } from '../kernel/derived-id.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Position } from '../kernel/position.ts';
import { streamName } from '../kernel/stream-name.ts';
import { fromToken, toToken } from '../kernel/token.ts';
import { at } from './events.ts';
import type { InterestsThen } from './policy-interests.ts';
import type { ProcessStore } from './ports.ts';

/** The event that has opened an interest: what the definition makes of it is not kept. */
export type Opened = {
  readonly stream: string;
  readonly revision: number;
  readonly target: string;
};

/** How far a policy is, at least, and which interests were open then. */
export type PolicyCheckpoint = {
  /** What every event up to here has led to is done. */
  readonly position: Position;
  readonly open: readonly Opened[];
  /** The other open ones were opened after this position. */
  readonly othersAfter: Position;
};

const kept = 3;

export type PolicyCheckpoints = {
  readonly newest: () => Promise<PolicyCheckpoint | undefined>;
  readonly save: (checkpoint: PolicyCheckpoint, nowMs: number) => Promise<void>;
};

/**
 * In the stream `policy_runner-<policy>`, of which the newest events are kept. All write servers
 * share it: each one's word is true, for what it has sent is in the streams of the aggregates.
 */
export function createPolicyCheckpoints(store: ProcessStore, policy: string): PolicyCheckpoints {
  const stream = streamName('policy_runner', policy);
  const type = PolicyCheckpointSchema.typeName;
  return {
    newest: async () => {
      for await (const event of store.read(stream, { direction: 'backwards', limit: 1 })) {
        const message = fromJson(PolicyCheckpointSchema, event.data as ProtoJson, {
          ignoreUnknownFields: true,
        });
        const position = fromToken(message.position);
        const othersAfter = fromToken(message.othersAfter);
        if (position === undefined || othersAfter === undefined) {
          throw new Error(`${stream} at revision ${event.revision} is no checkpoint`);
        }
        const open = message.open.map((one) => ({ ...one, revision: Number(one.revision) }));
        return { position, open, othersAfter };
      }
      return undefined;
    },
    save: async ({ position, open, othersAfter }, nowMs) => {
      const message = create(PolicyCheckpointSchema, {
        position: toToken(position),
        open: open.map((one) => ({ ...one, revision: BigInt(one.revision) })),
        othersAfter: toToken(othersAfter),
        at: at(nowMs),
      });
      const data = toJson(PolicyCheckpointSchema, message) as JsonObject;
      const id = deriveUuid(stream, JSON.stringify(data));
      const result = await store.append(stream, 'any', [{ id, type, data, metadata: {} }]);
      if (result.appended && result.revision === 0) await store.keepNewest(stream, kept);
    },
  };
}

export function policyCheckpointOf(
  position: Position,
  { oldest, othersAfter }: InterestsThen,
): PolicyCheckpoint {
  const open = oldest.map(({ target, openedBy }) => {
    const { stream, revision } = openedBy;
    return { stream, revision, target };
  });
  return { position, open, othersAfter };
}
