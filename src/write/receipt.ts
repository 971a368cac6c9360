import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type CommandReceipt,
  CommandReceiptSchema,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import type { NewEvent, RecordedEvent } from '../kernel/event.ts';
import type { Position } from '../kernel/position.ts';
import { idOf, type StreamName } from '../kernel/stream-name.ts';
import { toToken } from '../kernel/token.ts';

/** A receipt and the position that its token names. */
export type Accepted = { readonly receipt: CommandReceipt; readonly position: Position };

export function acceptedNow(
  stream: StreamName,
  commandId: string,
  events: readonly NewEvent[],
  firstRevision: number,
  position: Position,
  receivedAt: number,
): Accepted {
  const receipt = create(CommandReceiptSchema, {
    commandId,
    aggregateId: idOf(stream),
    stream,
    revision: BigInt(firstRevision + events.length - 1),
    events: events.map(({ id, type }, index) => ({
      eventId: id,
      type,
      revision: BigInt(firstRevision + index),
    })),
    consistencyToken: toToken(position),
    acceptedAt: timestampFromMs(receivedAt),
  });
  return { receipt, position };
}

/** The receipt that the command got first, from its events in the log. */
export function acceptedBefore(commandId: string, events: readonly RecordedEvent[]): Accepted {
  const first = events[0];
  const last = events.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('no events, no receipt');
  const receivedAt = Date.parse(String(first.metadata.receivedAt));
  const { stream, revision } = first;
  const accepted = acceptedNow(stream, commandId, events, revision, last.position, receivedAt);
  accepted.receipt.repeated = true;
  return accepted;
}
