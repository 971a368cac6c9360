import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { accessOf } from '../../src/kernel/access.ts';
import { openLocalKey } from '../../src/transport/local-key.ts';
import { servicesOf } from '../services.ts';
import { CliError, exitCode } from './exit-codes.ts';

export const localSubject = 'local';
/** Every role that an RPC names. */
export const allRoles: readonly string[] = [
  ...new Set(
    Object.values(servicesOf)
      .flat()
      .flatMap(({ methods }) => methods.flatMap((method) => accessOf(method)?.roles ?? [])),
  ),
].sort();

const ownTtlSeconds = 3600;

/**
 * The token to present: the one that is given, else one that the local key signs, where there is
 * one. Undefined: none, which is enough for servers without authentication.
 */
export async function tokenFor(
  dataDirectory: string,
  given: string | undefined,
): Promise<string | undefined> {
  if (given !== undefined && given !== '') return given;
  const hasKey = await access(join(dataDirectory, 'local-key.pem')).then(
    () => true,
    () => false,
  );
  if (!hasKey) return undefined;
  const { signToken } = await openLocalKey(dataDirectory);
  return signToken({ subject: localSubject, roles: allRoles, ttlSeconds: ownTtlSeconds });
}

/** Who the token says that its bearer is. The servers check it; here it is only read. */
export function subjectOf(token: string | undefined): string {
  if (token === undefined) return localSubject;
  try {
    return decodeJwt(token).sub ?? localSubject;
  } catch (error) {
    throw new CliError('the token is no JWT', exitCode.usage, { cause: error });
  }
}
