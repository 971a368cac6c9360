import type { Message } from '@bufbuild/protobuf';
import { Ownership } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { actsForAnyOwner } from '../kernel/access.ts';
import type { Decider } from '../kernel/decider.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { Aggregate } from './aggregate.ts';
import type { CommandRoute } from './catalogue.ts';
import type { CommandEnvelope } from './metadata.ts';

/** A command that has been authorised and validated. */
export type Order = {
  readonly route: CommandRoute;
  readonly command: Message;
  readonly envelope: CommandEnvelope;
  readonly id: string;
  readonly stream: StreamName;
  readonly prepared: unknown;
  readonly call: Call;
};

/** A record of another owner is no record: the words are those of one that is not there. */
export function refuseForeign(order: Order, state: unknown): Rejection | undefined {
  const { access, decider } = order.route;
  if (access?.ownership !== Ownership.RECORD) return undefined;
  const owner = decider.ownerOf?.(state);
  const { principal } = order.envelope;
  if (owner === undefined || owner === principal.subject) return undefined;
  if (actsForAnyOwner(access, principal)) return undefined;
  return notThere(decider, order.id);
}

/** As every decider answers itself. */
export function notThere({ noun, category }: Decider, id: string): Rejection {
  const name = noun ?? category;
  return reject('NOT_FOUND', `${name.toUpperCase()}_NOT_FOUND`, `there is no ${name} '${id}'`);
}

export function refuseOtherRevision(order: Order, aggregate: Aggregate): Rejection | undefined {
  const expected = order.route.metadataOf(order.command)?.expectedRevision;
  if (expected === undefined || expected === BigInt(aggregate.revision())) return undefined;
  // A record that is not there is answered as a foreign one is, whatever revision is expected.
  const { access, decider } = order.route;
  const isAbsent = decider.ownerOf?.(aggregate.state()) === undefined;
  if (access?.ownership === Ownership.RECORD && isAbsent) return undefined;
  const message = `${order.stream} is at revision ${aggregate.revision()}, not at ${expected}`;
  return reject('CONFLICT', 'REVISION_MISMATCH', message);
}
