import { hash } from 'node:crypto';

/**
 * A name-based UUID (RFC 9562, version 5): the same namespace and name always give the same id. The
 * namespace is text here, separated from the name by NUL, which neither contains.
 */
export function deriveUuid(namespace: string, name: string): string {
  const digest = hash('sha1', `${namespace}\0${name}`, 'hex');
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 3) | 8).toString(16);
  return format(`${digest.slice(0, 12)}5${digest.slice(13, 16)}${variant}${digest.slice(17, 32)}`);
}

function format(hex: string): string {
  const part = (from: number, until: number) => hex.slice(from, until);
  return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`;
}
