import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type UserCreated,
  UserCreatedSchema,
  type UserDeactivated,
  UserDeactivatedSchema,
  type UserEmailChanged,
  UserEmailChangedSchema,
} from '../../gen/cipherhorizon/identity/v1/events_pb.ts';
import { defineView } from '../../projection/kit.ts';

type UserEvent = UserCreated | UserEmailChanged | UserDeactivated;

export type UserDocument = {
  readonly userId: string;
  readonly email: string;
  /** The same for all ways to write the e-mail. */
  readonly emailKey: string;
  readonly displayName: string;
  readonly status: 'ACTIVE' | 'DEACTIVATED';
  /** argon2id in PHC form. For the check of a password alone: no answer has it. */
  readonly passwordHash: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Every user by its id. */
export const users = defineView<UserDocument>({
  name: 'identity_users',
  version: 1,
  schema: {
    userId: { kind: 'keyword' },
    email: { kind: 'keyword', search: 1 },
    emailKey: { kind: 'keyword', filter: true },
    displayName: { kind: 'text', search: 2 },
    status: { kind: 'keyword', filter: true, facet: true },
    passwordHash: { kind: 'json' },
    createdAt: { kind: 'instant', sort: true },
    updatedAt: { kind: 'instant' },
  },
  events: [UserCreatedSchema, UserEmailChangedSchema, UserDeactivatedSchema],
  ids: ({ message }) => [(message as UserEvent).userId],
  project: (document, { message }) => {
    const event = message as UserEvent;
    if (event.$typeName === 'cipherhorizon.identity.v1.UserCreated') return ofCreated(event);
    if (document === undefined) throw new Error(`${event.$typeName} of no user`);
    switch (event.$typeName) {
      case 'cipherhorizon.identity.v1.UserEmailChanged':
        return { ...document, ...ofEmail(event.email), updatedAt: timeOf(event.changedAt) };
      case 'cipherhorizon.identity.v1.UserDeactivated':
        return { ...document, status: 'DEACTIVATED', updatedAt: timeOf(event.deactivatedAt) };
    }
  },
});

function ofCreated({ userId, email, displayName, passwordHash, createdAt }: UserCreated) {
  const at = timeOf(createdAt);
  const status = 'ACTIVE' as const;
  const times = { createdAt: at, updatedAt: at };
  return { userId, ...ofEmail(email), displayName, status, passwordHash, ...times };
}

function ofEmail(email: string) {
  return { email, emailKey: emailKey(email) };
}

/** E-mails are the same whatever their case. */
export function emailKey(email: string): string {
  return email.normalize('NFKC').toLowerCase();
}

function timeOf(at: Timestamp | undefined): number {
  return at === undefined ? 0 : timestampMs(at);
}
