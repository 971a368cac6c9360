import { createHash } from 'node:crypto';
import { inputsOf, type View } from './kit.ts';

/** Tells whether documents were made by this view: its name, version, schema and event types, and what
 * it is derived from. */
export function fingerprintOf({ name, version, schema, events, derived }: View): string {
  const types = events === 'every' ? events : events.map(({ typeName }) => typeName).sort();
  const fields = Object.entries(schema)
    .map(([field, traits]) => [field, Object.entries(traits).sort()])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const inputs = derived === undefined ? [] : [inputsOf(derived).map(fingerprintOf)];
  const text = JSON.stringify([name, version, types, fields, ...inputs]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
