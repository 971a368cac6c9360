import { expect, test } from '@jest/globals';
import { hashSecret, verifySecret } from '../../../src/engines/argon2/argon2.ts';

// The reference implementation's own test: github.com/P-H-C/phc-winner-argon2, src/test.c.
const reference =
  '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';

test('a hash has the PHC form, the cost that OWASP names, and a salt of its own', async () => {
  const [a, b] = await Promise.all([hashSecret('correct horse'), hashSecret('correct horse')]);
  expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(a).not.toBe(b);
});

test('the secret of a hash, and no other', async () => {
  const hash = await hashSecret('correct horse');
  expect(await verifySecret(hash, 'correct horse')).toBe(true);
  expect(await verifySecret(hash, 'correct horsf')).toBe(false);
  expect(await verifySecret(hash, '')).toBe(false);
});

test('a hash of the reference implementation', async () => {
  expect(await verifySecret(reference, 'password')).toBe(true);
  expect(await verifySecret(reference, 'Password')).toBe(false);
});

test('the same characters, composed otherwise', async () => {
  const hash = await hashSecret('caf\u00e9 au lait');
  expect(await verifySecret(hash, 'cafe\u0301 au lait')).toBe(true);
});

test.each([
  undefined,
  '',
  'password',
  reference.replace('argon2id', 'argon2i'),
  reference.replace('v=19', 'v=16'),
  reference.replace('m=256', 'm=4'),
  reference.replace('m=256', 'm=9999999'),
  reference.replace('t=2', 't=0'),
  reference.replace('p=1', 'p=999'),
  `${reference}=`,
])('without a hash that is one, no secret is right: %s', async (hash) => {
  expect(await verifySecret(hash, 'password')).toBe(false);
  expect(await verifySecret(hash, '')).toBe(false);
});
