import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { type Access, access } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import type { Principal } from './principal.ts';
import { type Rejection, reject, rejectFieldAs } from './rejection.ts';

/** What an RPC declares of its callers; undefined: nothing, and it is refused to all. */
export function accessOf(method: DescMethod): Access | undefined {
  return hasOption(method, access) ? getOption(method, access) : undefined;
}

/** Whether the principal may call the RPC at all: it is known, and has one of the roles. */
export function authorise(
  method: DescMethod,
  declared: Access | undefined,
  principal: Principal | undefined,
): Rejection | undefined {
  if (principal === undefined) {
    return reject('UNAUTHENTICATED', 'UNAUTHENTICATED', 'a valid bearer token is needed');
  }
  if (declared?.roles.some((role) => principal.roles.includes(role))) return undefined;
  return reject(
    'FORBIDDEN',
    'ROLE_MISSING',
    `${method.name} needs one of the roles: ${declared?.roles.join(', ') || 'none may call it'}`,
  );
}

const mostShown = 100;

/** The request names somebody else as its owner. Whether they have anything plays no part in it. */
export function notTheOwner({ ownerField }: Access, named: string): Rejection {
  const message = `${ownerField} is '${named.slice(0, mostShown)}'; it has to be the caller's own`;
  return rejectFieldAs('FORBIDDEN', 'NOT_THE_OWNER', ownerField, message);
}

/** Whether the principal may act on the records of any owner through this RPC. */
export function actsForAnyOwner(declared: Access, principal: Principal): boolean {
  return declared.anyOwnerRoles.some((role) => principal.roles.includes(role));
}
