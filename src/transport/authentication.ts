import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Principal } from '../kernel/principal.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { Log } from '../kernel/telemetry.ts';

type Identified = Principal | Rejection | undefined;

/**
 * Who calls, by the value of its `authorization` header: undefined where it has none, a rejection
 * where its token is no good. Answers without a promise where it knows the token already.
 */
export type Authenticate = (authorization: string | undefined) => Identified | Promise<Identified>;

export type AuthenticationOptions = {
  /** Where the public keys are: a JWKS to be fetched, or a file (PEM, JWK or JWKS). */
  readonly keys: { readonly jwksUrl: string } | { readonly keyFile: string };
  readonly issuer: string;
  readonly audience: string;
  readonly log: Log;
};

// Symmetric algorithms are out: whoever could check a token could make one.
const algorithms = 'EdDSA Ed25519 ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512'.split(' ');
const clockToleranceSeconds = 5;
/** A token is checked again after this long, so that a withdrawn key is noticed. */
const trustMs = 5 * 60_000;
const mostTokens = 10_000;
const mostRoles = 50;
const longestSubject = 200;
const mostShown = 100;
const bearer = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Throws where the key file cannot be read or holds no public key. */
export async function createAuthentication(options: AuthenticationOptions): Promise<Authenticate> {
  const { issuer, audience, log } = options;
  const getKey = await keySource(options.keys);
  // By the header as it is: it comes with every call, and need not be taken apart each time.
  const known = new Map<string, { readonly principal: Principal; readonly untilMs: number }>();

  async function verify(authorization: string, token: string): Promise<Identified> {
    try {
      const { payload } = await jwtVerify(token, getKey, {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: clockToleranceSeconds,
      });
      const principal = principalOf(payload);
      if ('subject' in principal) remember(authorization, principal, payload.exp ?? 0);
      return principal;
    } catch (error) {
      const refusal = refusalOf(error, { issuer, audience });
      const level = refusal.kind === 'UNAVAILABLE' ? 'warn' : 'debug';
      log[level]({ err: error, code: refusal.code }, 'a token was refused');
      return refusal;
    }
  }

  function remember(authorization: string, principal: Principal, expirySeconds: number): void {
    const oldest = known.keys().next();
    if (known.size >= mostTokens && oldest.done === false) known.delete(oldest.value);
    known.set(authorization, {
      principal,
      untilMs: Math.min(expirySeconds * 1000, Date.now() + trustMs),
    });
  }

  return (authorization) => {
    if (authorization === undefined) return undefined;
    const found = known.get(authorization);
    if (found !== undefined && found.untilMs > Date.now()) return found.principal;
    known.delete(authorization);
    const token = bearer.exec(authorization)?.[1];
    if (token === undefined)
      return refuseToken('TOKEN_INVALID', 'it is no bearer token in JWT form');
    return verify(authorization, token);
  };
}

async function keySource(keys: AuthenticationOptions['keys']): Promise<JWTVerifyGetKey> {
  if ('jwksUrl' in keys) return remoteKeys(keys.jwksUrl);
  const { keyFile } = keys;
  const text = await readFile(keyFile, 'utf8');
  try {
    if (!text.trimStart().startsWith('{')) return onlyKey(createPublicKey(text));
    const json = JSON.parse(text);
    if (Array.isArray(json.keys)) return createLocalJWKSet(json as JSONWebKeySet);
    return onlyKey(createPublicKey({ key: json, format: 'jwk' }));
  } catch (error) {
    throw new Error(`${keyFile}: no public key in PEM, JWK or JWKS form`, { cause: error });
  }
}

/** What a token cannot help is no fault of the token: the key server's is told apart. */
class KeysOutOfReach extends Error {
  override readonly name = 'KeysOutOfReach';
}

function remoteKeys(url: string): JWTVerifyGetKey {
  const getKey = createRemoteJWKSet(new URL(url), { timeoutDuration: 5000 });
  const aboutToken = [
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSENotSupported,
  ];
  return async (header, token) => {
    try {
      return await getKey(header, token);
    } catch (error) {
      if (aboutToken.some((type) => error instanceof type)) throw error;
      throw new KeysOutOfReach(`no keys from ${url}`, { cause: error });
    }
  };
}

function onlyKey(key: KeyObject): JWTVerifyGetKey {
  return async () => key;
}

/** `sub` is the subject; `roles`, an array of strings, the roles. */
function principalOf(payload: JWTPayload): Principal | Rejection {
  const { sub, roles = [] } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > longestSubject) {
    return refuseClaim('sub', sub, `a text of 1 to ${longestSubject} characters`);
  }
  const isList = Array.isArray(roles) && roles.length <= mostRoles;
  if (!isList || !roles.every((role): role is string => typeof role === 'string')) {
    return refuseClaim('roles', roles, `a list of at most ${mostRoles} texts`);
  }
  return Object.freeze({ subject: sub, roles: Object.freeze([...roles]) });
}

function refuseToken(
  code: string,
  why: string,
  details: { readonly [key: string]: string } = {},
): Rejection {
  return reject('UNAUTHENTICATED', code, `the token is refused: ${why}`, { details });
}

/** Only of a token whose signature holds: its value is no secret to whoever sent it. */
function refuseClaim(claim: string, value: unknown, rule: string): Rejection {
  const shown = JSON.stringify(value).slice(0, mostShown);
  const why = `its claim "${claim}" is ${shown}; it has to be ${rule}`;
  return refuseToken('TOKEN_INVALID', why, { claim });
}

type Expected = Pick<AuthenticationOptions, 'issuer' | 'audience'>;

function refusalOf(error: unknown, expected: Expected): Rejection {
  if (error instanceof KeysOutOfReach) {
    const text = 'the keys that tokens are checked with are out of reach';
    return reject('UNAVAILABLE', 'AUTHENTICATION_UNAVAILABLE', text);
  }
  if (error instanceof errors.JWTExpired) {
    const at = new Date(Number(error.payload.exp) * 1000);
    // A claim may be a number that is no time.
    const when = Number.isNaN(at.getTime()) ? 'long ago' : `at ${at.toISOString()}`;
    return refuseToken('TOKEN_EXPIRED', `it has expired ${when}`, { claim: 'exp' });
  }
  if (error instanceof errors.JWTClaimValidationFailed) return refuseClaimOf(error, expected);
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refuseToken('TOKEN_INVALID', 'its algorithm is not allowed');
  }
  return refuseToken('TOKEN_INVALID', 'it is malformed, or signed by no key that is trusted');
}

function refuseClaimOf(
  { claim, payload }: errors.JWTClaimValidationFailed,
  { issuer, audience }: Expected,
): Rejection {
  const value = payload[claim];
  if (value === undefined) {
    return refuseToken('TOKEN_INVALID', `it has no claim "${claim}"`, { claim });
  }
  const rules: { readonly [claim: string]: string } = {
    iss: `"${issuer}"`,
    aud: `"${audience}"`,
    nbf: 'past, in seconds since 1970',
    exp: 'a number of seconds since 1970',
  };
  return refuseClaim(claim, value, rules[claim] ?? 'another one');
}
