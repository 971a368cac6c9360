import { isAfter } from '../kernel/position.ts';
import { isFed, type Lane } from './lane.ts';
import type { GenerationInfo, ReadModelStore } from './read-model-store.ts';

/**
 * What has become of live generations without their projector: deleted by hand, switched, or put in
 * their place from a backup, which is behind what has been applied.
 *
 * @returns a look: what is wrong, or undefined. What may be a generation that goes live just now is
 *   wrong when the next look finds the same
 */
export function createLookForDisplaced(
  store: Pick<ReadModelStore, 'generations'>,
  lanes: readonly Lane[],
): () => Promise<string | undefined> {
  let before: ReadonlySet<string> = new Set();
  return async () => {
    const fed = lanes.filter(isFed).map(({ view: { name }, target: { ref }, checkpoint }) => {
      return { name, checkpoint, generation: ref.generation };
    });
    const infos = await store.generations();
    const found = fed.flatMap(({ name, generation, checkpoint }) => {
      const own = infos.filter(({ view }) => view === name);
      const its = own.find((info) => info.generation === generation);
      const what = its === undefined ? 'is gone' : problemOf(its, checkpoint);
      if (what === undefined) return [];
      const live = own.find(({ state }) => state === 'live')?.generation;
      const problem = `the live generation of the view "${name}" ${what}`;
      return [{ problem, key: `${name} ${generation} ${live}`, isSure: its === undefined }];
    });
    const sure = found.find(({ key, isSure }) => isSure || before.has(key));
    before = new Set(found.map(({ key }) => key));
    return sure?.problem;
  };
}

function problemOf(
  { state, checkpoint }: GenerationInfo,
  applied: Lane['checkpoint'],
): string | undefined {
  if (state !== 'live') return 'is not the one that is fed';
  return isAfter(applied, checkpoint) ? 'is behind what has been applied to it' : undefined;
}
