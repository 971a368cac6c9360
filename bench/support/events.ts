import { createHash } from 'node:crypto';
import type { DescMessage } from '@bufbuild/protobuf';
import type { NewEvent } from '../../src/kernel/event.ts';
import type { JsonObject } from '../../src/kernel/json.ts';

/** An event and where it belongs. */
export type StreamEvent = { readonly stream: string; readonly event: NewEvent };

export const owner = 'bench';

/** A UUID that is the same in every run. */
export function uuidOf(name: string): string {
  const hex = createHash('md5').update(name).digest('hex');
  const part = (from: number, until: number) => hex.slice(from, until);
  return `${part(0, 8)}-${part(8, 12)}-4${part(13, 16)}-8${part(17, 20)}-${part(20, 32)}`;
}

/** An event as the command bus writes it: the first, and only one, of its command. */
export function commandEvent(
  schema: DescMessage,
  id: string,
  data: JsonObject,
  atMs: number,
): NewEvent {
  const metadata: JsonObject = {
    $correlationId: id,
    $causationId: id,
    receivedAt: new Date(atMs).toISOString(),
    actor: owner,
    roles: ['user'],
    commandType: commandOf(schema.typeName),
    command: data,
    eventCount: 1,
  };
  return { id, type: schema.typeName, data, metadata };
}

/** 'CashDeposited' comes of a command like 'CashDepositedCommand', as far as sizes go. */
function commandOf(type: string): string {
  return `${type}Command`;
}

/** An integer of so many decimal places as plain text: 12500 with 3 is "12.5". */
export function decimalText(units: number, places: number): string {
  const text = (units / 10 ** places).toFixed(places);
  return text.replace(/\.?0+$/, '');
}
