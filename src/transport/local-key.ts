import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';

export const localIssuer = 'cipherhorizon-local';
export const localAudience = 'cipherhorizon';

export type LocalKey = {
  /** PEM, for servers to check tokens with. */
  readonly publicKeyFile: string;
  readonly signToken: (claims: {
    readonly subject: string;
    readonly roles: readonly string[];
    readonly ttlSeconds: number;
  }) => Promise<string>;
};

/**
 * The key pair of a local installation, made at first use: whoever can read the data directory can
 * make tokens. The private key is for its owner's eyes (mode 0600).
 */
export async function openLocalKey(directory: string): Promise<LocalKey> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const privateKeyFile = join(directory, 'local-key.pem');
  const publicKeyFile = join(directory, 'local-key.pub.pem');
  const pem = (await readIfThere(privateKeyFile)) ?? (await makeKey(privateKeyFile));
  const key = createPrivateKey(pem);
  const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' });
  if ((await readIfThere(publicKeyFile)) !== publicPem) await writeFile(publicKeyFile, publicPem);
  return {
    publicKeyFile,
    signToken: ({ subject, roles, ttlSeconds }) =>
      new SignJWT({ roles })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
        .setSubject(subject)
        .setIssuer(localIssuer)
        .setAudience(localAudience)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + ttlSeconds)
        .sign(key),
  };
}

/** Several processes may start at once: a link is made by one of them alone, and all read that. */
async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  try {
    await link(own, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(own);
  }
  return readFile(file, 'utf8');
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
