import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hashSecret, verifySecret } from '../../../src/engines/argon2/argon2.ts';
import {
  ChangeUserEmailCommandSchema,
  CreateUserCommandSchema,
  DeactivateUserCommandSchema,
} from '../../../src/gen/cipherhorizon/identity/v1/commands_pb.ts';
import {
  type CheckPasswordAnswer,
  type GetUserAnswer,
  IdentityQueryService,
  type ListUsersAnswer,
  type SearchUsersAnswer,
  UserStatus,
} from '../../../src/gen/cipherhorizon/identity/v1/queries_pb.ts';
import { identityRead } from '../../../src/identity/read.ts';
import { identityViews } from '../../../src/identity/views.ts';
import { identityWrite } from '../../../src/identity/write.ts';
import { createValidation } from '../../../src/kernel/validation.ts';
import { createQueryBus } from '../../../src/read/query-bus.ts';
import {
  accepted,
  admin,
  callOf,
  codeOf,
  startBus,
  type TestBus,
} from '../../support/command-bus.ts';
import { openStores } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
const stores = openStores(folder);
const logged: string[] = [];
const note = (fields: object, message: string) => {
  logged.push(JSON.stringify(fields), message);
};
const log = { debug: note, info: note, warn: note, error: note };
let bus: TestBus;
let projector: ReturnType<typeof stores.start>;
beforeAll(() => {
  bus = startBus(stores.log, { contexts: [identityWrite], tools: { hashSecret }, log });
  projector = stores.start({ views: identityViews });
});
afterAll(async () => {
  await bus[Symbol.asyncDispose]();
  await projector[Symbol.asyncDispose]();
  await stores[Symbol.asyncDispose]();
});

const password = 'correct horse battery staple';
const unique = () => `ann.${randomUUID().slice(0, 8)}@example.org`;
const makeUser = (email: string, secret = password, commandId: string = randomUUID()) =>
  bus.send(
    CreateUserCommandSchema,
    { email, displayName: 'Ann Example', password: secret, metadata: { commandId } },
    admin,
  );
const changeEmail = (userId: string, email: string, by = admin) =>
  bus.send(ChangeUserEmailCommandSchema, { userId, email }, by);
const deactivate = (userId: string) => bus.send(DeactivateUserCommandSchema, { userId }, admin);

const { method } = IdentityQueryService;
async function ask<Method extends DescMethod>(
  of: Method,
  query: MessageInitShape<Method['input']>,
  by = admin,
) {
  const [service] = createQueryBus({
    contexts: [identityRead],
    readModels: stores.models,
    verifySecret,
    validate: createValidation(),
    metrics: { observe: () => {} },
    log,
    now: Date.now,
  });
  for (const view of identityViews) await stores.caughtUp(view);
  const handler = service?.handlers.find((one) => one.method === of);
  if (handler?.kind !== 'unary') throw new Error(`${of.name} is not served`);
  return handler.handle(create(of.input, query), callOf(by));
}

const check = async (email: string, secret: string) =>
  (await ask(method.checkPassword, { email, password: secret })) as CheckPasswordAnswer;

describe('users', () => {
  test('are made by admins, with rules for each field', async () => {
    const email = unique();
    const receipt = accepted(await makeUser(email));
    expect(receipt.stream).toBe(`user-${receipt.aggregateId}`);
    const by = { subject: 'eve', roles: ['user'] };
    const command = { email: unique(), displayName: 'Eve', password };
    expect(codeOf(await bus.send(CreateUserCommandSchema, command, by))).toBe('ROLE_MISSING');
    for (const wrong of [{ email: 'no e-mail' }, { displayName: ' ' }, { password: 'short' }]) {
      const refusal = await bus.send(CreateUserCommandSchema, { ...command, ...wrong }, admin);
      const [field] = Object.keys(wrong);
      expect(JSON.stringify(refusal)).toContain(field === 'displayName' ? 'display_name' : field);
    }
  });

  test('change their own e-mail; to others they are not there', async () => {
    const { aggregateId } = accepted(await makeUser(unique()));
    const own = { subject: aggregateId, roles: ['user'] };
    const next = unique();
    accepted(await changeEmail(aggregateId, next, own));
    const eve = { subject: randomUUID(), roles: ['user'] };
    expect(codeOf(await changeEmail(aggregateId, unique(), eve))).toBe('USER_NOT_FOUND');
    expect(codeOf(await changeEmail(randomUUID(), unique(), eve))).toBe('USER_NOT_FOUND');
    const got = (await ask(method.getUser, { userId: aggregateId }, own)) as GetUserAnswer;
    expect(got.user).toMatchObject({ email: next, status: UserStatus.ACTIVE });
    expect(await ask(method.getUser, { userId: aggregateId }, eve)).toMatchObject({
      code: 'USER_NOT_FOUND',
    });
  });

  test('once deactivated they change no more; again is no change', async () => {
    const { aggregateId, stream } = accepted(await makeUser(unique()));
    accepted(await deactivate(aggregateId));
    const again = accepted(await deactivate(aggregateId));
    expect(again.events.map(({ type }) => type)).toEqual([
      'cipherhorizon.platform.v1.NothingChanged',
    ]);
    expect(codeOf(await changeEmail(aggregateId, unique()))).toBe('USER_DEACTIVATED');
    expect(codeOf(await deactivate(randomUUID()))).toBe('USER_NOT_FOUND');
    expect(stream).toBe(`user-${aggregateId}`);
  });
});

describe('an e-mail', () => {
  test('is taken by one of many that want it at once, whatever its case', async () => {
    const email = unique();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => makeUser(i % 2 === 0 ? email : email.toUpperCase())),
    );
    const codes = outcomes.map(codeOf);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === 'EMAIL_TAKEN')).toHaveLength(9);
  });

  test('is free after a change, and its new case is its own; a deactivated user keeps it', async () => {
    const [first, second] = [unique(), unique()];
    const { aggregateId } = accepted(await makeUser(first));
    accepted(await changeEmail(aggregateId, first.toUpperCase()));
    accepted(await changeEmail(aggregateId, second));
    accepted(await makeUser(first));
    accepted(await deactivate(aggregateId));
    expect(codeOf(await makeUser(second))).toBe('EMAIL_TAKEN');
  });
});

describe('a password', () => {
  test('is checked; what was wrong with it is not told', async () => {
    const email = unique();
    const { aggregateId } = accepted(await makeUser(email));
    const right = await check(email.toUpperCase(), password);
    expect(right).toMatchObject({ valid: true, userId: aggregateId });
    const gone = unique();
    accepted(await deactivate(accepted(await makeUser(gone)).aggregateId));
    const wrong = [
      await check(email, `${password}!`),
      await check(unique(), password),
      await check(gone, password),
    ];
    const told = wrong.map(({ freshness: _, ...answer }) => answer);
    expect(told[0]).toMatchObject({ valid: false, userId: '' });
    expect(told).toEqual([told[0], told[0], told[0]]);
    const by = { subject: 'eve', roles: ['user'] };
    const denied = await ask(method.checkPassword, { email, password }, by);
    expect(denied).toMatchObject({ code: 'ROLE_MISSING' });
  });

  test('is in no log, no metadata, no error, no event, no read model, and no answer', async () => {
    const secret = `hunter2 ${randomUUID()}`;
    const email = unique();
    const commandId = randomUUID();
    const first = accepted(await makeUser(email, secret, commandId));
    expect(accepted(await makeUser(email, secret, commandId))).toEqual({
      ...first,
      repeated: true,
    });
    const refused = await makeUser(email, secret);
    const invalid = await makeUser('no e-mail', secret);
    await check(email, secret);
    await check(email, `${secret}!`);
    await bus[Symbol.asyncDispose]();
    for (const file of ['events.db', 'events.db-wal', 'views.db', 'views.db-wal']) {
      expect(readFileSync(join(folder, file)).includes(secret)).toBe(false);
    }
    expect(logged.join('\n')).not.toContain(secret);
    expect(JSON.stringify([refused, invalid])).not.toContain(secret);
  });

  test('nor its hash', async () => {
    const { aggregateId } = accepted(await makeUser(unique()));
    const answers = [
      await ask(method.getUser, { userId: aggregateId }),
      await ask(method.listUsers, {}),
      await ask(method.searchUsers, { text: 'ann' }),
    ];
    const text = JSON.stringify(answers, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(text).toContain(aggregateId);
    expect(text).not.toContain('argon2');
    expect(text).not.toMatch(/password/i);
  });
});

describe('admins', () => {
  test('list users by status and search them by name and e-mail', async () => {
    const [one, two] = [unique(), unique()];
    const first = accepted(await makeUser(one)).aggregateId;
    const second = accepted(await makeUser(two)).aggregateId;
    accepted(await deactivate(first));
    const list = async (status: UserStatus) => {
      const answer = (await ask(method.listUsers, { statuses: [status] })) as ListUsersAnswer;
      return answer.users.map(({ userId }) => userId);
    };
    expect((await list(UserStatus.ACTIVE))[0]).toBe(second);
    expect((await list(UserStatus.DEACTIVATED))[0]).toBe(first);
    const found = (await ask(method.searchUsers, {
      text: `exampel ${two.slice(4, 12)}`,
      facets: true,
    })) as SearchUsersAnswer;
    expect(found.hits.map(({ user }) => user?.userId)).toEqual([second]);
    expect(found.facets).toMatchObject([
      { field: 'status', buckets: [{ value: 'USER_STATUS_ACTIVE', count: 1n }] },
    ]);
  });
});
