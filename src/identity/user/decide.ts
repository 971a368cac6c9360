import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  ChangeUserEmailCommand,
  CreateUserCommand,
  DeactivateUserCommand,
} from '../../gen/cipherhorizon/identity/v1/commands_pb.ts';
import {
  UserCreatedSchema,
  UserDeactivatedSchema,
  UserEmailChangedSchema,
} from '../../gen/cipherhorizon/identity/v1/events_pb.ts';
import type { Claim, DecisionContext, Tools } from '../../kernel/decider.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { emailKey, type UserEvent, type UserState } from './state.ts';

export type UserCommand = CreateUserCommand | ChangeUserEmailCommand | DeactivateUserCommand;

/** The hash of the password that the command brings, if it brings one. */
export type Prepared = { readonly passwordHash?: string };

/** Hashing is slow and salted, so it is done before deciding. */
export async function prepare(command: UserCommand, tools: Tools): Promise<Prepared> {
  if (command.$typeName !== 'cipherhorizon.identity.v1.CreateUserCommand') return {};
  return { passwordHash: await tools.hashSecret(command.password) };
}

export function decide(
  command: UserCommand,
  state: UserState,
  context: DecisionContext<unknown, Prepared>,
): readonly UserEvent[] | Rejection {
  switch (command.$typeName) {
    case 'cipherhorizon.identity.v1.CreateUserCommand':
      return createUser(command, state, context);
    case 'cipherhorizon.identity.v1.ChangeUserEmailCommand':
      return changeEmail(command, state, context);
    case 'cipherhorizon.identity.v1.DeactivateUserCommand':
      return deactivate(command, state, context);
  }
}

function createUser(
  { email, displayName }: CreateUserCommand,
  state: UserState,
  { id, nowMs, prepared }: DecisionContext<unknown, Prepared>,
): readonly UserEvent[] | Rejection {
  if (state.lifecycle !== 'absent') {
    return reject('ALREADY_EXISTS', 'USER_EXISTS', `there is a user '${id}' already`);
  }
  if (prepared.passwordHash === undefined) throw new Error('the password is not hashed');
  return [
    create(UserCreatedSchema, {
      userId: id,
      email,
      displayName,
      passwordHash: prepared.passwordHash,
      createdAt: timestampFromMs(nowMs),
    }),
  ];
}

function changeEmail(
  { userId, email }: ChangeUserEmailCommand,
  state: UserState,
  { nowMs }: DecisionContext,
): readonly UserEvent[] | Rejection {
  if (state.lifecycle === 'absent') return notFound(userId);
  if (state.lifecycle === 'deactivated') {
    return reject('PRECONDITION', 'USER_DEACTIVATED', `the user '${userId}' is deactivated`);
  }
  if (state.email === email) return [];
  const changedAt = timestampFromMs(nowMs);
  return [create(UserEmailChangedSchema, { userId, email, formerEmail: state.email, changedAt })];
}

function deactivate(
  { userId }: DeactivateUserCommand,
  state: UserState,
  { nowMs }: DecisionContext,
): readonly UserEvent[] | Rejection {
  if (state.lifecycle === 'absent') return notFound(userId);
  if (state.lifecycle === 'deactivated') return [];
  return [create(UserDeactivatedSchema, { userId, deactivatedAt: timestampFromMs(nowMs) })];
}

function notFound(userId: string): Rejection {
  return reject('NOT_FOUND', 'USER_NOT_FOUND', `there is no user '${userId}'`);
}

/** The e-mail that the command gives the user, which no other user may have. */
export function claims(command: UserCommand): readonly Claim[] {
  if (command.$typeName === 'cipherhorizon.identity.v1.DeactivateUserCommand') return [];
  const message = `there is a user with the e-mail '${command.email}' already`;
  const refusal = reject('ALREADY_EXISTS', 'EMAIL_TAKEN', message);
  return [{ key: emailKey(command.email), refusal }];
}
