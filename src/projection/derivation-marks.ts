import type { JsonObject } from '../kernel/json.ts';
import { isAfter, type Position, position } from '../kernel/position.ts';
import { fromToken, toToken } from '../kernel/token.ts';
import type { Target } from './apply.ts';
import { fingerprintOf } from './fingerprint.ts';
import { defineView, inputsOf, type View } from './kit.ts';
import { isFed, type Lane } from './lane.ts';
import type { GenerationRef, ReadModelStore } from './read-model-store.ts';

/**
 * By the name of a derived view that its live generation lacks nothing of its inputs but what the log
 * tells: what came after its checkpoint. Where there is no mark, it may lack anything.
 *
 * It is taken away before anything is written to an input that does not come from events after that
 * checkpoint (a stream that is built again, an event that was parked, a switch of generations), and
 * before the checkpoint moves past a document that cannot be computed. It is set when all of that has
 * been computed. So a process can be killed at any moment.
 */
export type DerivationMarks = {
  /** From which position on the log tells what is to be computed; undefined where it does not. */
  readonly resumeAfter: (lane: Lane, target: Target) => Promise<Position | undefined>;
  readonly set: (lane: Lane, target: Target, checkpoint: Position) => Promise<void>;
  readonly takeAway: (view: View) => Promise<void>;
  /** What is known of the marks: another one may set them now. */
  readonly forget: () => void;
};

/** In the read models, as all that they are made with. No query knows of it. */
const marksView = defineView({
  name: 'projector_derivations',
  version: 1,
  schema: {
    generation: { kind: 'integer' },
    inputs: { kind: 'json' },
    since: { kind: 'keyword' },
  },
  events: [],
  ids: () => [],
  project: () => undefined,
});

const ref: GenerationRef = { view: marksView, generation: 1 };

export function createDerivationMarks(
  store: Pick<ReadModelStore, 'open' | 'switchTo' | 'load' | 'apply' | 'generations'>,
  lanes: readonly Lane[],
): DerivationMarks {
  let opened = false;
  /** The generation that is marked. */
  const known = new Map<string, number | 'none'>();

  const open = async () => {
    if (opened) return;
    const { state } = await store.open(ref, fingerprintOf(marksView));
    // An engine of several nodes has copies of what is live.
    if (state !== 'live') await store.switchTo(ref);
    opened = true;
  };

  const write = async (name: string, mark: (JsonObject & { generation: number }) | undefined) => {
    known.delete(name);
    try {
      await open();
      const documents = [{ id: name, version: position(0n), document: mark }];
      await store.apply([{ ref, batch: { documents, park: [], unpark: [], overwrite: true } }]);
    } catch (error) {
      // It may be gone.
      opened = false;
      throw error;
    }
    known.set(name, mark?.generation ?? 'none');
  };

  /** The live generations of the inputs, by view. */
  const inputsNow = ({ derived }: View): ReadonlyMap<string, Lane> =>
    new Map(
      (derived === undefined ? [] : inputsOf(derived)).flatMap(({ name }) =>
        lanes.filter((lane) => lane.view.name === name).map((lane) => [name, lane] as const),
      ),
    );

  const markOf = async ({ view }: Lane) => {
    await open();
    const stored = (await store.load(ref, [view.name])).get(view.name)?.document;
    return stored as { generation: number; inputs: JsonObject; since: string } | undefined;
  };

  return {
    resumeAfter: async (lane, target) => {
      const { generation } = target.ref;
      const mark = lane.target === target ? await markOf(lane) : undefined;
      const own = (await store.generations()).find((info) => {
        return info.view === lane.view.name && info.generation === generation;
      });
      if (mark?.generation !== generation || own === undefined) return undefined;
      const { checkpoint } = own;
      // From a backup that was made before the mark.
      const since = fromToken(mark.since);
      if (since === undefined || isAfter(since, checkpoint)) return undefined;
      for (const [name, input] of inputsNow(lane.view)) {
        // Where it is behind what was derived from it, somebody has put it there.
        if (!isFed(input) || isAfter(checkpoint, input.checkpoint)) return undefined;
        if (input.target.ref.generation !== mark.inputs[name]) return undefined;
      }
      known.set(lane.view.name, generation);
      return checkpoint;
    },
    set: async (lane, target, checkpoint) => {
      const { generation } = target.ref;
      if (lane.target !== target || known.get(lane.view.name) === generation) return;
      const inputs = [...inputsNow(lane.view)].map(
        ([name, input]) => [name, input.target?.ref.generation ?? 0] as const,
      );
      const since = toToken(checkpoint);
      await write(lane.view.name, { generation, since, inputs: Object.fromEntries(inputs) });
    },
    takeAway: async ({ name }) => {
      if (known.get(name) !== 'none') await write(name, undefined);
    },
    forget: () => {
      opened = false;
      known.clear();
    },
  };
}
