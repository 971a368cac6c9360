import type { Reader } from './kit.ts';
import type { ReadModel, ReadModels } from './read-models.ts';

/**
 * The read models as a handler may ask them. `refresh`: the caller knows of a write, so lists and
 * searches have to see all that is applied, which an engine may otherwise show a little later.
 */
export function createReader(readModels: ReadModels, refresh: boolean): Reader {
  const { get, getMany, list, search } = readModels;
  if (!refresh) return { get, getMany, list, search };
  const refreshed = new Map<string, Promise<void>>();
  const visible = (model: ReadModel): Promise<void> => {
    const known = refreshed.get(model.name);
    if (known !== undefined) return known;
    const refreshing = readModels.refresh(model);
    refreshed.set(model.name, refreshing);
    return refreshing;
  };
  return {
    get,
    getMany,
    list: async (model, request) => {
      await visible(model);
      return list(model, request);
    },
    search: async (model, request) => {
      await visible(model);
      return search(model, request);
    },
  };
}
