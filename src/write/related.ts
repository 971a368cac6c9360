import type { Message } from '@bufbuild/protobuf';
import type { Decider } from '../kernel/decider.ts';
import { streamName } from '../kernel/stream-name.ts';
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
    return lookAtAll(aggregates, deciderOf, decider.related(command));
  };
}

async function lookAtAll(
  aggregates: Aggregates,
  deciderOf: (category: string) => Decider | undefined,
  relations: NonNullable<ReturnType<NonNullable<Decider['related']>>>,
): Promise<{ readonly [name: string]: unknown }> {
  const states: { [name: string]: unknown } = {};
  for (const [name, { category, id }] of Object.entries(relations)) {
    const decider = deciderOf(category);
    if (decider === undefined) throw new Error(`no decider for the category '${category}'`);
    states[name] = await aggregates.look(decider, streamName(category, id), mostBehindMs);
  }
  return states;
}
