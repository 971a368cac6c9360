import { IdentityCommandService } from '../gen/cipherhorizon/identity/v1/commands_pb.ts';
import { defineDecider, type WriteContext } from '../write/kit.ts';
import { user } from './user/user.ts';

/** The write side of identity. */
export const identityWrite: WriteContext = {
  service: IdentityCommandService,
  deciders: [defineDecider(user)],
};
