// Answers of two worlds in which the same has happened, without what tells where and when.

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** When something was stored, by the clock of the machine; and what an answer says of its own age. */
const notCompared = new Set([
  ...['freshness', 'createdAt', 'updatedAt', 'openedAt', 'registeredAt'],
  ...['acceptedAt', 'changedAt', 'startedAt', 'stoppedAt', 'endedAt', 'dueAt'],
  ...['runner', 'nextCursor'],
  // Of a process: the events that it has met, with such times in them.
  ...['startedBy', 'event'],
]);

export function comparable(value: Json): Json {
  if (Array.isArray(value)) return value.map(comparable);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([name]) => !notCompared.has(name));
  return Object.fromEntries(kept.map(([name, each]) => [name, comparable(each)]));
}

const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/**
 * Compares the answers of two worlds. The ids of events have the name of their writer in them, and
 * so what processes derive from them is called otherwise in each: but always the same.
 */
export function createComparison() {
  const [there, back] = [new Map<string, string>(), new Map<string, string>()];

  const isSameId = (one: string, other: string): boolean => {
    if (!there.has(one) && !back.has(other)) {
      there.set(one, other);
      back.set(other, one);
    }
    return there.get(one) === other && back.get(other) === one;
  };

  const isSame = (one: Json, other: Json): boolean => {
    if (typeof one !== 'string' || typeof other !== 'string') return one === other;
    if (one.replaceAll(uuids, '') !== other.replaceAll(uuids, '')) return false;
    const others = other.match(uuids) ?? [];
    return (one.match(uuids) ?? []).every((id, at) => isSameId(id, others[at] ?? ''));
  };

  /** Where they differ: the paths, and what is there. */
  const differences = (one: Json, other: Json, path: string): readonly string[] => {
    const isObject = (value: Json) => value !== null && typeof value === 'object';
    if (!isObject(one) || !isObject(other)) {
      return isSame(one, other)
        ? []
        : [`${path}: ${JSON.stringify(one)}, ${JSON.stringify(other)}`];
    }
    const [left, right] = [one, other] as [Fields, Fields];
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return names.flatMap((name) =>
      differences(left[name] ?? null, right[name] ?? null, `${path}.${name}`),
    );
  };
  return differences;
}

type Fields = { readonly [name: string]: Json };
