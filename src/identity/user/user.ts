import {
  ChangeUserEmailCommandSchema,
  CreateUserCommandSchema,
  DeactivateUserCommandSchema,
} from '../../gen/cipherhorizon/identity/v1/commands_pb.ts';
import {
  UserCreatedSchema,
  UserDeactivatedSchema,
  UserEmailChangedSchema,
} from '../../gen/cipherhorizon/identity/v1/events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { claims, decide, type Prepared, prepare, type UserCommand } from './decide.ts';
import {
  evolve,
  initial,
  keysOf,
  ownerOf,
  snapshot,
  type UserEvent,
  type UserState,
} from './state.ts';

export const user = {
  category: 'user',
  commands: [CreateUserCommandSchema, ChangeUserEmailCommandSchema, DeactivateUserCommandSchema],
  events: [UserCreatedSchema, UserEmailChangedSchema, UserDeactivatedSchema],
  initial,
  evolve,
  decide,
  ownerOf,
  keysOf,
  claims,
  prepare,
  snapshot,
} satisfies Decider<UserCommand, UserEvent, UserState, unknown, Prepared>;
