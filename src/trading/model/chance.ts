/**
 * A number of [0, 1) that depends on the text alone, and looks like chance: 32 bits of FNV-1a over
 * its UTF-16 units, mixed by MurmurHash3's finaliser. For simulations, never for secrets.
 */
export function uniformOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
