import { randomUUID } from 'node:crypto';

export { deriveUuid } from '../kernel/derived-id.ts';

/** A time-ordered UUID (RFC 9562, version 7), for commands whose caller names no id. */
export function newUuid(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
