import type { Message } from '@bufbuild/protobuf';
import type { JsonObject } from '../../src/kernel/json.ts';
import { position } from '../../src/kernel/position.ts';
import type { View, ViewEvent } from '../../src/projection/kit.ts';

/** An event for views, with where and when it stands in the log. */
export type LoggedEvent = ViewEvent & { readonly message: Message };

/** A log that puts events behind each other, with revisions by stream. */
export function createLog() {
  const revisions = new Map<string, number>();
  let commit = 0n;
  return {
    append: (stream: string, ...messages: readonly Message[]): readonly LoggedEvent[] =>
      messages.map((message) => {
        const revision = (revisions.get(stream) ?? -1) + 1;
        revisions.set(stream, revision);
        commit += 1n;
        const id = `00000000-0000-5000-8000-${String(commit).padStart(12, '0')}`;
        const at = { position: position(commit), storedAt: Number(commit) * 1000 };
        const stored = { id, type: message.$typeName, data: {}, metadata: {} };
        return { message, recorded: { ...stored, stream, revision, ...at } };
      }),
  };
}

/**
 * The documents of a view after the events, as the projection runner folds them. Each is frozen in
 * all its depth before the next event: a view that changes one in place fails.
 */
export function project(
  view: View,
  events: readonly LoggedEvent[],
  documents = new Map<string, JsonObject>(),
): Map<string, JsonObject> {
  const types = view.events === 'every' ? undefined : view.events.map((one) => one.typeName);
  for (const event of events) {
    if (types?.includes(event.message.$typeName) === false) continue;
    for (const id of view.ids(event)) {
      const next = view.project(documents.get(id), event, id);
      if (next === undefined) documents.delete(id);
      else documents.set(id, deepFreeze(next));
    }
  }
  return documents;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
