import type { Position } from '../kernel/position.ts';
import type { Decode, DecodedEvent } from './decode.ts';
import type { EventSource } from './event-source.ts';
import { type Derivation, inputsOf, type View } from './kit.ts';
import type { Lane } from './lane.ts';

/** The documents of an input that events touch. */
export type Touched = { readonly view: View; readonly ids: readonly string[] };

/** So many events are looked at between two looks at the clock. */
const batchSize = 500;

/**
 * What the events after a position touch of the documents of a derivation's inputs, to the end of the
 * log: rather too much than too little, as an event may change nothing. The log is asked and not the
 * inputs, as no engine finds documents by their versions.
 */
export async function* changesAfter(
  after: Position,
  derivation: Derivation,
  options: {
    readonly source: Pick<EventSource, 'readAll'>;
    readonly decode: Decode;
    readonly lanes: readonly Lane[];
    readonly typesOf: (lane: Lane) => ReadonlySet<string> | undefined;
  },
): AsyncGenerator<readonly Touched[]> {
  const names = new Set(inputsOf(derivation).map(({ name }) => name));
  const inputs = options.lanes
    .filter(({ view }) => names.has(view.name))
    .map((lane) => ({ view: lane.view, types: options.typesOf(lane) }));
  const all = inputs.map(({ types }) => types);
  const filter = all.some((types) => types === undefined)
    ? {}
    : { filter: { types: [...new Set(all.flatMap((types) => [...(types ?? [])]))] } };
  for await (const { events } of options.source.readAll({ after, batchSize, ...filter })) {
    const decoded = events.map(options.decode);
    yield inputs.map(({ view, types }) => {
      const wanted = decoded.filter(({ recorded: { type } }) => types?.has(type) !== false);
      return { view, ids: [...new Set(wanted.flatMap((event) => idsOf(view, event)))] };
    });
  }
}

/** None where they cannot be told: then the event is parked, and has changed no document. */
function idsOf(view: View, event: DecodedEvent): readonly string[] {
  if (event.problem !== undefined) return [];
  try {
    return view.ids(event);
  } catch {
    return [];
  }
}
