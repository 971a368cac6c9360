import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { type Rejection, reject } from '../../../src/kernel/rejection.ts';
import { type Authenticate, createAuthentication } from '../../../src/transport/authentication.ts';
import { onCreate, receipt, unaryRpc } from './rpcs.ts';
import { failedOfConnect, failure, grpcClient, keepLog, serve } from './server-kit.ts';

const issuer = 'https://issuer.test';
const audience = 'horizon';
const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const others = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

let folder: string;
let keyFile: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authentication-'));
  keyFile = join(folder, 'key.pem');
  await writeFile(keyFile, ours.publicKey.export({ type: 'spki', format: 'pem' }));
});
afterAll(() => rm(folder, { recursive: true }));

type Claims = Record<string, unknown>;
const good = (): Claims => ({
  sub: 'alice',
  iss: issuer,
  aud: audience,
  exp: inAnHour(),
  roles: ['user', 'analyst'],
});

function sign(claims: Claims, key: KeyObject = ours.privateKey, alg = 'ES256', kid = 'k1') {
  return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
}

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token whose signature is made by hand, as no honest library would. */
function forge(alg: string, signature: (signed: string) => string): string {
  const signed = `${base64({ alg })}.${base64(good())}`;
  return `${signed}.${signature(signed)}`;
}

function authentication(): Promise<Authenticate> {
  return createAuthentication({ keys: { keyFile }, issuer, audience, log: keepLog() });
}

const without = (name: string): Claims => {
  const { [name]: _, ...rest } = good();
  return rest;
};

describe('a token', () => {
  const principal = { subject: 'alice', roles: ['user', 'analyst'] };

  test('that holds gives its subject and roles', async () => {
    const authenticate = await authentication();
    expect(await authenticate(`Bearer ${await sign(good())}`)).toEqual(principal);
    expect(await authenticate(`bearer ${await sign({ ...good(), aud: ['x', audience] })}`)).toEqual(
      principal,
    );
    expect(await authenticate(`Bearer ${await sign(without('roles'))}`)).toEqual({
      subject: 'alice',
      roles: [],
    });
  });

  test('that is absent is nobody', async () => {
    expect(await (await authentication())(undefined)).toBeUndefined();
  });

  test('is checked once while it is known', async () => {
    const authenticate = await authentication();
    const header = `Bearer ${await sign(good())}`;
    expect(authenticate(header)).toBeInstanceOf(Promise);
    await authenticate(header);
    expect(authenticate(header)).toEqual(principal);
  });

  test('that is known stops being so when it expires', async () => {
    const authenticate = await authentication();
    // The clocks of others may be a little behind: it holds, but is not taken on trust.
    const exp = Math.floor(Date.now() / 1000) - 1;
    const header = `Bearer ${await sign({ ...good(), exp })}`;
    expect(await authenticate(header)).toEqual(principal);
    expect(authenticate(header)).toBeInstanceOf(Promise);
  });

  const refusals: [string, () => string | Promise<string>, string][] = [
    [
      'has expired',
      () => sign({ ...good(), exp: 1_700_000_000 }),
      'TOKEN_EXPIRED: it has expired at 2023-11-14T22:13:20.000Z',
    ],
    ['expired before time', () => sign({ ...good(), exp: -1e20 }), 'it has expired long ago'],
    ['never expires', () => sign(without('exp')), 'TOKEN_INVALID: it has no claim "exp"'],
    ['expires some day', () => sign({ ...good(), exp: 'soon' }), 'its claim "exp" is "soon"'],
    [
      'begins later',
      () => sign({ ...good(), nbf: 4_000_000_000 }),
      'its claim "nbf" is 4000000000; it has to be past',
    ],
    [
      'is of another issuer',
      () => sign({ ...good(), iss: 'https://other' }),
      `its claim "iss" is "https://other"; it has to be "${issuer}"`,
    ],
    ['names no issuer', () => sign(without('iss')), 'it has no claim "iss"'],
    [
      'is for another audience',
      () => sign({ ...good(), aud: ['other', 'x'] }),
      `its claim "aud" is ["other","x"]; it has to be "${audience}"`,
    ],
    ['names no audience', () => sign(without('aud')), 'it has no claim "aud"'],
    ['names no subject', () => sign(without('sub')), 'it has no claim "sub"'],
    [
      'has an empty subject',
      () => sign({ ...good(), sub: '' }),
      'its claim "sub" is ""; it has to be a text of 1 to 200 characters',
    ],
    [
      'has roles that are no list',
      () => sign({ ...good(), roles: 'admin' }),
      'its claim "roles" is "admin"; it has to be a list of at most 50 texts',
    ],
    ['has roles that are no text', () => sign({ ...good(), roles: [7] }), 'roles" is [7]; it has'],
    ['is signed by another key', () => sign(good(), others.privateKey), 'signed by no key'],
    ['is not signed (alg none)', () => forge('none', () => ''), 'it is no bearer token'],
    ['is signed as if (alg none)', () => forge('none', () => 'AAAA'), 'its algorithm is not'],
    [
      'uses the public key as a shared secret (HS256)',
      () =>
        forge('HS256', (signed) => {
          const pem = ours.publicKey.export({ type: 'spki', format: 'pem' });
          return createHmac('sha256', pem).update(signed).digest('base64url');
        }),
      'its algorithm is not allowed',
    ],
    [
      'names an algorithm of another kind of key',
      () => sign(good(), generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'RS256'),
      'signed by no key that is trusted',
    ],
    ['was changed', async () => `${(await sign(good())).slice(0, -8)}AAAAAAAA`, 'signed by no key'],
    ['is no token', () => 'x.y.z', 'it is malformed'],
    ['has no dots', () => 'secret', 'it is no bearer token'],
  ];
  test.each(refusals)('that %s is refused', async (_, make, reason) => {
    const answer = (await (await authentication())(`Bearer ${await make()}`)) as Rejection;
    expect(answer.kind).toBe('UNAUTHENTICATED');
    expect(`${answer.code}: ${answer.message.replace('the token is refused: ', '')}`).toContain(
      reason,
    );
  });

  test('of another scheme is refused', async () => {
    const answer = await (await authentication())('Basic YTpi');
    expect(answer).toMatchObject({ kind: 'UNAUTHENTICATED', code: 'TOKEN_INVALID' });
  });
});

describe('keys', () => {
  const jwk = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' });

  test.each<[string, () => string]>([
    ['JWK', () => JSON.stringify(jwk(ours.publicKey))],
    [
      'JWKS',
      () =>
        JSON.stringify({ keys: [{ ...jwk(others.publicKey), kid: 'k0' }, jwk(ours.publicKey)] }),
    ],
    ['PEM', () => String(ours.publicKey.export({ type: 'spki', format: 'pem' }))],
  ])('may be a file in the form of a %s', async (form, text) => {
    const file = join(folder, form);
    await writeFile(file, text());
    const options = { keys: { keyFile: file }, issuer, audience, log: keepLog() };
    const authenticate = await createAuthentication(options);
    expect(await authenticate(`Bearer ${await sign(good())}`)).toMatchObject({ subject: 'alice' });
    expect(await authenticate(`Bearer ${await sign(good(), others.privateKey)}`)).toMatchObject({
      kind: 'UNAUTHENTICATED',
    });
  });

  test.each([
    ['no key at all', 'hello'],
    ['a shared secret', JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' })],
    ['half a file', '{"kty": "EC"'],
  ])('are not %s', async (_, text) => {
    const file = join(folder, 'broken');
    await writeFile(file, text);
    const options = { keys: { keyFile: file }, issuer, audience, log: keepLog() };
    await expect(createAuthentication(options)).rejects.toThrow(`${file}: no public key in PEM`);
  });

  test('a file that is not there is named', async () => {
    const options = { keys: { keyFile: '/no/such' }, issuer, audience, log: keepLog() };
    await expect(createAuthentication(options)).rejects.toThrow('/no/such');
  });

  test('may come from a URL; out of reach, they are no fault of the token', async () => {
    const keys = JSON.stringify({ keys: [jwk(ours.publicKey)] });
    let isBroken = false;
    const server = createServer((_, response) => response.end(isBroken ? 'oh' : keys));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const open = () =>
      createAuthentication({ keys: { jwksUrl }, issuer, audience, log: keepLog() });
    const header = `Bearer ${await sign(good())}`;
    const unknown = `Bearer ${await sign(good(), ours.privateKey, 'ES256', 'k2')}`;
    const away = { kind: 'UNAVAILABLE', code: 'AUTHENTICATION_UNAVAILABLE' };

    const authenticate = await open();
    expect(await authenticate(header)).toMatchObject({ subject: 'alice' });
    expect(await authenticate(unknown)).toMatchObject({ kind: 'UNAUTHENTICATED' });
    isBroken = true;
    expect(await (await open())(header)).toMatchObject(away);
    await new Promise((resolve) => server.close(resolve));
    expect(await (await open())(header)).toMatchObject(away);
    // The key that is known already goes on working.
    expect(await authenticate(header)).toMatchObject({ subject: 'alice' });
  });
});

describe('a server with authentication', () => {
  const command = create(CreateTradingStrategyCommandSchema, { strategyName: 'trend' });
  const whoami = onCreate((_, { principal }) =>
    principal === undefined
      ? reject('UNAUTHENTICATED', 'UNAUTHENTICATED', 'a valid bearer token is needed')
      : receipt(principal.subject, principal.roles.join(' ')),
  );

  test('knows its callers over every protocol', async () => {
    const authenticate = await authentication();
    // With authentication it may be reached from anywhere.
    await using server = await serve([whoami], {
      authenticate,
      http: { host: '0.0.0.0', port: 0 },
    });
    using client = grpcClient(server.grpcPort);
    const calls = (authorization: string | undefined) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const over = [createConnectTransport, createGrpcWebTransport].map((open) =>
        createClient(
          TradingCommandService,
          open({ baseUrl: server.baseUrl, httpVersion: '1.1' }),
        ).createTradingStrategy(command, { headers }),
      );
      return [client.unary(unaryRpc, command, headers), ...over];
    };
    for (const answer of await Promise.all(calls(`Bearer ${await sign(good())}`))) {
      expect(answer).toMatchObject({ commandId: 'alice', stream: 'user analyst' });
    }
    const refused: [string | undefined, string][] = [
      [undefined, 'UNAUTHENTICATED'],
      [`Bearer ${await sign({ ...good(), exp: 1 })}`, 'TOKEN_EXPIRED'],
      [`Bearer ${await sign(good(), others.privateKey)}`, 'TOKEN_INVALID'],
    ];
    for (const [authorization, reason] of refused) {
      const expected = { code: 16, details: [{ $typeName: 'google.rpc.ErrorInfo', reason }] };
      const [overGrpc, ...overHttp] = await Promise.all(calls(authorization).map(failure));
      expect(overGrpc).toMatchObject(expected);
      for (const failed of overHttp) expect(failedOfConnect(failed)).toMatchObject(expected);
    }
  });

  test('refuses a bad token before it reads the request', async () => {
    await using server = await serve([whoami], { authenticate: await authentication() });
    const url = `${server.baseUrl}/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer a.b.c' };
    const response = await fetch(url, { method: 'POST', headers, body: '{' });
    expect(response.status).toBe(401);
  });
});
