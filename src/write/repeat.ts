import type { JsonObject } from '../kernel/json.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { Aggregate, Write } from './aggregate.ts';
import { payloadOf } from './codec.ts';
import type { EventStore } from './event-store.ts';
import type { Order } from './order.ts';
import { type Accepted, acceptedBefore } from './receipt.ts';

/** What is known of a command that has come before. */
export type Repeat =
  /** Its events are under way: it shares their fate. */
  | { readonly kind: 'joined'; readonly write: Write }
  | { readonly kind: 'repeated'; readonly accepted: Accepted }
  /** Its id was used for another command. */
  | { readonly kind: 'misused'; readonly rejection: Rejection };

/** Looks among the writes under way, then in the log. */
export async function findRepeat(
  store: EventStore,
  order: Order,
  aggregate: Aggregate,
): Promise<Repeat | undefined> {
  const { commandId } = order.envelope;
  const write = aggregate.underWay(commandId);
  const first = write?.events[0];
  if (write !== undefined && first !== undefined) {
    const misuse = refuseOtherPayload(order, first.metadata);
    return misuse === undefined
      ? { kind: 'joined', write }
      : { kind: 'misused', rejection: misuse };
  }
  if (aggregate.revision() < 0) return undefined;
  const { storedRevision } = aggregate;
  const events = await store.findByCausation(order.stream, commandId, storedRevision());
  const stored = events[0];
  if (stored === undefined) {
    // The lookup took a while; the same command may have been decided since.
    return aggregate.underWay(commandId) === undefined
      ? undefined
      : findRepeat(store, order, aggregate);
  }
  const misuse = refuseOtherPayload(order, stored.metadata);
  if (misuse !== undefined) return { kind: 'misused', rejection: misuse };
  return { kind: 'repeated', accepted: acceptedBefore(commandId, events) };
}

function refuseOtherPayload(order: Order, metadata: JsonObject): Rejection | undefined {
  const same =
    metadata.commandType === order.route.schema.typeName &&
    JSON.stringify(metadata.command) === JSON.stringify(payloadOf(order.route, order.command));
  if (same) return undefined;
  const { commandId } = order.envelope;
  const message = `the command id ${commandId} has been used for another command on this stream`;
  return reject('ALREADY_EXISTS', 'COMMAND_ID_REUSED', message);
}
