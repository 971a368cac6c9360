import type { JsonObject } from './json.ts';

/** Turns the stored JSON of an event of an older type into that of its successor. */
export type Upcaster = {
  /** Full type names. */
  readonly from: string;
  readonly to: string;
  readonly upcast: (data: JsonObject) => JsonObject;
};

export type Upcast = (type: string, data: JsonObject) => { type: string; data: JsonObject };

/**
 * Applies upcasters one after another until the type has no successor.
 * @throws RangeError where two start from one type, or a chain comes back to where it was.
 */
export function createUpcast(upcasters: readonly Upcaster[]): Upcast {
  const byType = new Map<string, Upcaster>();
  for (const upcaster of upcasters) {
    if (byType.has(upcaster.from)) throw new RangeError(`two upcasters from ${upcaster.from}`);
    byType.set(upcaster.from, upcaster);
  }
  for (const upcaster of upcasters) refuseCycle(byType, upcaster);
  return (type, data) => {
    let next = byType.get(type);
    if (next === undefined) return { type, data };
    let at = { type, data };
    while (next !== undefined) {
      at = { type: next.to, data: next.upcast(at.data) };
      next = byType.get(at.type);
    }
    return at;
  };
}

function refuseCycle(byType: ReadonlyMap<string, Upcaster>, first: Upcaster): void {
  let next = byType.get(first.to);
  for (let steps = 0; next !== undefined; steps += 1, next = byType.get(next.to)) {
    if (steps > byType.size)
      throw new RangeError(`the upcasters from ${first.from} go in a circle`);
  }
}
