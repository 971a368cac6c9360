import { getOption } from '@bufbuild/protobuf';
import { sensitive } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { View } from './kit.ts';

/** The data of an event without what its message marks as sensitive. */
export type Redact = (type: string, data: JsonObject) => JsonObject;

const redacted = '[redacted]';

/** Knows the event types that views want: others have been read by nobody. */
export function createRedaction(views: readonly View[]): Redact {
  const secrets = new Map<string, readonly string[]>();
  for (const { events } of views) {
    if (events === 'every') continue;
    for (const { typeName, fields } of events) {
      const names = fields.filter((field) => getOption(field, sensitive));
      if (names.length > 0)
        secrets.set(
          typeName,
          names.map(({ jsonName }) => jsonName),
        );
    }
  }
  return (type, data) => {
    const names = secrets.get(type);
    if (names === undefined) return data;
    const present = names.filter((name) => name in data);
    return { ...data, ...Object.fromEntries(present.map((name) => [name, redacted])) };
  };
}
