import type { RejectionKind } from './rejection.ts';

/** google.rpc.Code of each kind of refusal: the one table. */
export const statusOf = {
  INVALID: 3, // INVALID_ARGUMENT
  TIMED_OUT: 4, // DEADLINE_EXCEEDED
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  FORBIDDEN: 7, // PERMISSION_DENIED
  OVERLOADED: 8, // RESOURCE_EXHAUSTED
  PRECONDITION: 9, // FAILED_PRECONDITION
  CONFLICT: 10, // ABORTED
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const satisfies { readonly [kind in RejectionKind]: number };
