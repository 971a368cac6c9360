import { createHash, timingSafeEqual } from 'node:crypto';
import { type Metadata, status } from '@grpc/grpc-js';
import { CallFailure } from './errors.ts';

export type Account = {
  readonly name: string;
  readonly password: string;
  /** `$admins` may do everything; `$ops` is EventStoreDB's other group. */
  readonly groups: readonly string[];
};

/** Who calls. Without accounts everybody may do everything, as in EventStoreDB's insecure mode. */
export type Caller =
  | { readonly kind: 'everybody' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly name: string; readonly groups: readonly string[] };

/**
 * Finds the caller by `authorization: Basic`, as EventStoreDB does: wrong credentials end the call,
 * none make it anonymous.
 */
export function createAuthentication(accounts: readonly Account[] | undefined) {
  const users = new Map(accounts?.map((account) => [account.name, account]));

  return (metadata: Metadata): Caller => {
    if (accounts === undefined) return { kind: 'everybody' };
    const [header] = metadata.get('authorization');
    if (header === undefined) return { kind: 'anonymous' };
    const [, encoded] = /^basic ([A-Za-z0-9+/=]+)$/i.exec(String(header)) ?? [];
    const [, name, password] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
    const account = users.get(name ?? '');
    // Compared in any case, so that the time does not tell which names there are.
    const isRight = equal(password ?? '', account?.password ?? '');
    if (account === undefined || !isRight) throw unauthenticated();
    return { kind: 'user', name: account.name, groups: account.groups };
  };
}

function unauthenticated(): CallFailure {
  return new CallFailure(status.UNAUTHENTICATED, 'Unauthenticated');
}

function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
