import { createHash } from 'node:crypto';
import type { View } from './kit.ts';

/** Tells whether documents were made by this view: its name, version, schema and event types. */
export function fingerprintOf({ name, version, schema, events }: View): string {
  const types = events === 'every' ? events : events.map(({ typeName }) => typeName).sort();
  const fields = Object.entries(schema)
    .map(([field, traits]) => [field, Object.entries(traits).sort()])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const text = JSON.stringify([name, version, types, fields]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
