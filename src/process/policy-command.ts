import type { Message } from '@bufbuild/protobuf';
import { deriveUuid } from '../kernel/derived-id.ts';
import { correlationKey, type RecordedEvent } from '../kernel/event.ts';
import { commandOf } from './command.ts';
import type { OpenInterest, PolicyDefinition } from './kit.ts';
import type { OutgoingCommand } from './ports.ts';

/** An event, as what it leads to is told of it. */
export type Reaction = {
  readonly recorded: RecordedEvent;
  readonly message: Message;
  readonly command: PolicyDefinition['on'][number]['command'];
};

/**
 * What the event leads to for the interest; undefined where that is nothing. Its id is the same for
 * every attempt, by every write server and after every start.
 */
export function outgoingOf(
  { name, actsAs }: PolicyDefinition,
  interest: OpenInterest,
  { recorded, message, command }: Reaction,
): OutgoingCommand | undefined {
  const made = command(interest, message as never, recorded);
  if (made === undefined) return undefined;
  const { actor, roles, target } = interest;
  const principal = actsAs?.(interest) ?? { subject: actor, roles };
  const id = deriveUuid(`policy/${name}`, `${target}/${recorded.id}`);
  const outgoing = commandOf(id, made.schema, made.build(), principal);
  const correlationId = interest.correlationId || String(recorded.metadata[correlationKey] ?? '');
  return { ...outgoing, correlationId, causedBy: recorded.id };
}
