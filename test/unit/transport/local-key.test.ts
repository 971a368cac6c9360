import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAuthentication } from '../../../src/transport/authentication.ts';
import { localAudience, localIssuer, openLocalKey } from '../../../src/transport/local-key.ts';
import { keepLog } from './server-kit.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

const claims = { subject: 'alice', roles: ['user'], ttlSeconds: 60 };

async function check(keyFile: string, token: string) {
  const authenticate = await createAuthentication({
    keys: { keyFile },
    issuer: localIssuer,
    audience: localAudience,
    log: keepLog(),
  });
  return authenticate(`Bearer ${token}`);
}

test('signs tokens that a server with its public key accepts', async () => {
  const { publicKeyFile, signToken } = await openLocalKey(join(folder, 'new'));
  const token = await signToken(claims);
  expect(await check(publicKeyFile, token)).toEqual({ subject: 'alice', roles: ['user'] });
  const expired = await signToken({ ...claims, ttlSeconds: -60 });
  expect(await check(publicKeyFile, expired)).toMatchObject({ code: 'TOKEN_EXPIRED' });
});

test('is the same key when it is opened again', async () => {
  const first = await openLocalKey(folder);
  const token = await first.signToken(claims);
  const second = await openLocalKey(folder);
  expect(await check(second.publicKeyFile, token)).toMatchObject({ subject: 'alice' });
});

test('is one key when many open it at once', async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => openLocalKey(folder)));
  for (const { signToken, publicKeyFile } of keys) {
    expect(await check(publicKeyFile, await signToken(claims))).toMatchObject({ subject: 'alice' });
  }
  expect((await readdir(folder)).sort()).toEqual(['local-key.pem', 'local-key.pub.pem']);
});

test('is in a folder for its owner alone, where it makes that', async () => {
  const made = join(folder, 'data');
  await openLocalKey(made);
  expect((await stat(made)).mode & 0o777).toBe(0o700);
});

test('is readable by its owner alone, and its public half is no more than that', async () => {
  const { publicKeyFile } = await openLocalKey(folder);
  expect((await stat(join(folder, 'local-key.pem'))).mode & 0o777).toBe(0o600);
  expect(await readFile(publicKeyFile, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
});
