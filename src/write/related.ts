import type { Message } from '@bufbuild/protobuf';
import type { Decider } from '../kernel/decider.ts';
import { type StreamName, streamName } from '../kernel/stream-name.ts';
import type { Aggregates } from './aggregates.ts';

/** The states of the other aggregates that a decision needs, by the decider's names for them. */
export type RelatedReader = (
  decider: Decider,
  command: Message,
) => Promise<{ readonly [name: string]: unknown }>;

/**
 * There is no transaction across streams: what is looked at may change before the events are
 * stored, and another process's change may be unseen for so long.
 */
const mostBehindMs = 250;

const none = Promise.resolve({});

export function createRelatedReader(
  aggregates: Aggregates,
  deciderOf: (category: string) => Decider | undefined,
): RelatedReader {
  return (decider, command) => {
    if (decider.related === undefined) return none;
    return relatedStates(decider, command, deciderOf, (other, stream) =>
      aggregates.look(other, stream, mostBehindMs),
    );
  };
}

/** In rounds: what the states that are known lead to is looked at next. */
export async function relatedStates(
  decider: Decider,
  command: Message,
  deciderOf: (category: string) => Decider | undefined,
  look: (decider: Decider, stream: StreamName) => Promise<unknown>,
): Promise<{ readonly [name: string]: unknown }> {
  const states: { [name: string]: unknown } = {};
  for (;;) {
    const relations = Object.entries(decider.related?.(command, states) ?? {});
    const unknown = relations.filter(([name]) => !(name in states));
    if (unknown.length === 0) return states;
    for (const [name, { category, id }] of unknown) {
      const other = deciderOf(category);
      if (other === undefined) throw new Error(`no decider for the category '${category}'`);
      states[name] = await look(other, streamName(category, id));
    }
  }
}
