import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

type Cost = {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
};

type Hash = Cost & { readonly salt: Buffer; readonly tag: Buffer };

/** OWASP's Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. */
const cost: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const saltBytes = 16;
const tagBytes = 32;

// What a hash may ask for: more than anybody configures, less than what brings a server down.
const highest: Cost = { memory: 262_144, passes: 16, parallelism: 16 };

const phc =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/;

const nobodys: Hash = { ...cost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) };

/** An argon2id hash in PHC form, with a salt of its own. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await derive(secret, { ...cost, salt, tag: Buffer.alloc(tagBytes) });
  const { memory, passes, parallelism } = cost;
  const parameters = `m=${memory},t=${passes},p=${parallelism}`;
  return `$argon2id$v=19$${parameters}$${unpadded(salt)}$${unpadded(tag)}`;
}

/**
 * Whether the secret is that of a hash in PHC form. Without a hash, and with one that is none, the
 * same work is done for nothing, so that the time does not tell whether there is one.
 */
export async function verifySecret(hash: string | undefined, secret: string): Promise<boolean> {
  const known = hash === undefined ? undefined : parse(hash);
  const against = known ?? nobodys;
  const same = timingSafeEqual(await derive(secret, against), against.tag);
  return same && known !== undefined;
}

/** The same characters typed on another device may come composed otherwise: hence NFC (RFC 8265). */
function derive(secret: string, hash: Hash): Promise<Buffer> {
  const parameters = {
    message: secret.normalize('NFC'),
    nonce: hash.salt,
    parallelism: hash.parallelism,
    tagLength: hash.tag.length,
    memory: hash.memory,
    passes: hash.passes,
  };
  return new Promise((resolve, fail) => {
    argon2('argon2id', parameters, (error, tag) => (error === null ? resolve(tag) : fail(error)));
  });
}

function parse(text: string): Hash | undefined {
  const match = phc.exec(text);
  if (match === null) return undefined;
  const [, m, t, p, salt = '', tag = ''] = match;
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)];
  // argon2 itself asks for 8 KiB a lane.
  const low = passes < 1 || parallelism < 1 || memory < 8 * parallelism;
  const { memory: mostMemory, passes: mostPasses, parallelism: mostLanes } = highest;
  if (low || memory > mostMemory || passes > mostPasses || parallelism > mostLanes) {
    return undefined;
  }
  const bytes = { salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
  return { memory, passes, parallelism, ...bytes };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
