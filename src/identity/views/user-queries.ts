import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  IdentityQueryService,
  type UserSchema,
  UserStatus,
} from '../../gen/cipherhorizon/identity/v1/queries_pb.ts';
import { defineQuery, type QueryContext } from '../../read/kit.ts';
import { emailKey, type UserDocument, users } from './users.ts';

const { method } = IdentityQueryService;

type Found = NonNullable<Awaited<ReturnType<QueryContext['reader']['get']>>>;

const statusOf = {
  ACTIVE: UserStatus.ACTIVE,
  DEACTIVATED: UserStatus.DEACTIVATED,
} as const;

const protoFields: { readonly [field: string]: string } = {
  email: 'email',
  displayName: 'display_name',
};

export const userQueries = [
  defineQuery({
    method: method.getUser,
    views: [users],
    record: { model: users, id: ({ userId }) => userId, ownerField: 'userId', noun: 'user' },
    answer: async (_query, _context, record) =>
      record === undefined ? {} : { user: toUser(record) },
  }),
  defineQuery({
    method: method.listUsers,
    views: [users],
    answer: async ({ statuses, ascending }, { reader, page }) => {
      const sort = { field: 'createdAt', descending: !ascending };
      const found = await reader.list(users, { where: whereOf(statuses), sort, ...page });
      return { users: found.items.map(toUser), page: { nextCursor: found.next ?? '' } };
    },
  }),
  defineQuery({
    method: method.searchUsers,
    views: [users],
    answer: async ({ text, statuses, facets }, { reader, page }) => {
      const counted = facets ? ['status'] : [];
      const where = whereOf(statuses);
      const found = await reader.search(users, { text, where, facets: counted, ...page });
      return {
        hits: found.items.map((hit) => ({
          user: toUser(hit),
          score: hit.score,
          highlights: hit.highlights.map(({ field, fragments }) => ({
            field: protoFields[field] ?? field,
            fragments: [...fragments],
          })),
        })),
        page: { nextCursor: found.next ?? '' },
        facets: found.facets.map(({ field, buckets }) => ({
          field,
          buckets: buckets.map(({ value, count }) => ({
            value: `USER_STATUS_${value}`,
            count: BigInt(count),
          })),
        })),
        total: BigInt(found.total),
      };
    },
  }),
  defineQuery({
    method: method.checkPassword,
    views: [users],
    answer: async ({ email, password }, { reader, verifySecret }) => {
      const where = [
        { field: 'emailKey', in: [emailKey(email)] },
        { field: 'status', in: ['ACTIVE'] },
      ];
      const [found] = (await reader.list(users, { where, limit: 1 })).items;
      const user = found?.document as UserDocument | undefined;
      // Without a user it takes as long as with one.
      const valid = await verifySecret(user?.passwordHash, password);
      return valid && user !== undefined ? { valid, userId: user.userId } : { valid: false };
    },
  }),
];

function whereOf(statuses: readonly UserStatus[]) {
  const names = Object.entries(statusOf).filter(([, status]) => statuses.includes(status));
  return names.length === 0 ? [] : [{ field: 'status', in: names.map(([name]) => name) }];
}

function toUser({ document }: Found): MessageInitShape<typeof UserSchema> {
  const { userId, email, displayName, status, createdAt, updatedAt } = document as UserDocument;
  return {
    userId,
    email,
    displayName,
    status: statusOf[status],
    createdAt: timestampFromMs(createdAt),
    updatedAt: timestampFromMs(updatedAt),
  };
}
