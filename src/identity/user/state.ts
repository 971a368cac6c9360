import type {
  UserCreated,
  UserDeactivated,
  UserEmailChanged,
} from '../../gen/cipherhorizon/identity/v1/events_pb.ts';
import type { JsonValue } from '../../kernel/json.ts';

export type UserEvent = UserCreated | UserEmailChanged | UserDeactivated;

/**
 *     absent --create--> active --deactivate--> deactivated
 */
export type UserState =
  | { readonly lifecycle: 'absent' }
  | {
      readonly lifecycle: 'active' | 'deactivated';
      readonly userId: string;
      readonly email: string;
    };

export const initial: UserState = { lifecycle: 'absent' };

export function evolve(state: UserState, event: UserEvent): UserState {
  switch (event.$typeName) {
    case 'cipherhorizon.identity.v1.UserCreated':
      return { lifecycle: 'active', userId: event.userId, email: event.email };
    case 'cipherhorizon.identity.v1.UserEmailChanged':
      return state.lifecycle === 'absent' ? state : { ...state, email: event.email };
    case 'cipherhorizon.identity.v1.UserDeactivated':
      return state.lifecycle === 'absent' ? state : { ...state, lifecycle: 'deactivated' };
  }
}

/** A user's record is its own. */
export function ownerOf(state: UserState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.userId;
}

/** A deactivated user keeps its e-mail, so that nobody else becomes it. */
export function keysOf(state: UserState): readonly string[] {
  return state.lifecycle === 'absent' ? [] : [emailKey(state.email)];
}

export function emailKey(email: string): string {
  return `user_email:${foldEmail(email)}`;
}

/** E-mails are the same whatever their case. */
export function foldEmail(email: string): string {
  return email.normalize('NFKC').toLowerCase();
}

export const snapshot = {
  version: 1,
  toJson: (state: UserState): JsonValue => state,
  fromJson: (json: JsonValue) => json as UserState,
};
