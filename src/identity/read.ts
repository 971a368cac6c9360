import { IdentityQueryService } from '../gen/cipherhorizon/identity/v1/queries_pb.ts';
import type { ReadContext } from '../read/kit.ts';
import { userQueries } from './views/user-queries.ts';

/** The read side of identity. */
export const identityRead: ReadContext = {
  service: IdentityQueryService,
  queries: userQueries,
};
