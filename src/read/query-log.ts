import { clone, type DescMessage, getOption, type Message, toJson } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { sensitive } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import type { JsonValue } from '../kernel/json.ts';
import { hasSecrets } from './catalogue.ts';

const mostCharacters = 2_000;

/**
 * A query as a log may have it: without its sensitive fields, and bounded in size. It is worked out
 * when the line is written (JSON.stringify asks `toJSON`), so that a level that is off costs nothing.
 */
export function loggable(schema: DescMessage): (query: Message) => object {
  const secrets = hasSecrets(schema);
  return (query) => ({
    toJSON: (): JsonValue => {
      try {
        const json = toJson(schema, secrets ? withoutSecrets(schema, query) : query) as JsonValue;
        const { length } = JSON.stringify(json);
        return length > mostCharacters ? `(${length} characters)` : json;
      } catch {
        // A time stamp out of range has no JSON form; validation has refused it.
        return '(without a JSON form)';
      }
    },
  });
}

function withoutSecrets(schema: DescMessage, query: Message): Message {
  const copy = clone(schema, query);
  clearSecrets(reflect(schema, copy));
  return copy;
}

function clearSecrets(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (getOption(field, sensitive)) message.clear(field);
    else if (field.fieldKind === 'message') clearSecrets(message.get(field));
    else if (field.fieldKind === 'list' && field.listKind === 'message') {
      for (const item of message.get(field)) clearSecrets(item as ReflectMessage);
    } else if (field.fieldKind === 'map' && field.mapKind === 'message') {
      for (const item of message.get(field).values()) clearSecrets(item as ReflectMessage);
    }
  }
}
