import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { NothingChangedSchema } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import type { NewEvent } from '../kernel/event.ts';
import { encodeEvent, payloadOf } from './codec.ts';
import { deriveUuid } from './ids.ts';
import { eventMetadata, firstEventMetadata } from './metadata.ts';
import type { Order } from './order.ts';

const nothingChanged = create(NothingChangedSchema);

/**
 * A command that finds everything already so is in the log too, for its repeat to find.
 *
 * The ids derive from the command id and the writer, a name that no other process has: an append that
 * is repeated by its writer is the same one, and what another writer decides on the same command, at
 * the same time, is not taken for it.
 */
export function newEvents(
  order: Order,
  decided: readonly Message[],
  schemas: ReadonlyMap<string, DescMessage>,
  writer: string,
): readonly NewEvent[] {
  const messages = decided.length === 0 ? [nothingChanged] : decided;
  const { envelope, route } = order;
  const shared = eventMetadata(envelope);
  const payload = payloadOf(route, order.command);
  const type = route.schema.typeName;
  const first = firstEventMetadata(shared, envelope, type, payload, messages.length);
  return messages.map((message, index) => ({
    id: deriveUuid(envelope.commandId, `${order.stream}/${index}/${writer}`),
    type: message.$typeName,
    data: message === nothingChanged ? {} : encodeEvent(schemas, message),
    metadata: index === 0 ? first : shared,
  }));
}
