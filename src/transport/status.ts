import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.ts';
import type { FieldViolation, Rejection, RejectionKind } from '../kernel/rejection.ts';

/** The status codes of gRPC. Connect has the same ones under the same numbers. */
export const statusCode = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusCode = (typeof statusCode)[keyof typeof statusCode];

/** The one table from what a caller can do about a refusal to the status that says so. */
export const statusOfKind: Readonly<Record<RejectionKind, StatusCode>> = {
  INVALID: statusCode.INVALID_ARGUMENT,
  NOT_FOUND: statusCode.NOT_FOUND,
  ALREADY_EXISTS: statusCode.ALREADY_EXISTS,
  PRECONDITION: statusCode.FAILED_PRECONDITION,
  CONFLICT: statusCode.ABORTED,
  UNAUTHENTICATED: statusCode.UNAUTHENTICATED,
  FORBIDDEN: statusCode.PERMISSION_DENIED,
  OVERLOADED: statusCode.RESOURCE_EXHAUSTED,
  UNAVAILABLE: statusCode.UNAVAILABLE,
  TIMED_OUT: statusCode.DEADLINE_EXCEEDED,
};

const retryAfterMs: Readonly<Partial<Record<RejectionKind, number>>> = {
  OVERLOADED: 200,
  UNAVAILABLE: 1000,
};

/** What a call failed with, ready for any protocol. The details are messages of google.rpc. */
export type Failure = {
  readonly code: StatusCode;
  readonly message: string;
  readonly details: readonly { readonly desc: DescMessage; readonly value: Message }[];
};

const domain = 'cipherhorizon';
const longestMessage = 500;
const longestDescription = 300;
// Details travel in a header: many peers refuse header lists above 8 kB, and base64 adds a third.
const fieldsBudget = 3000;
const metadataBudget = 1000;

export function failureOf(rejection: Rejection): Failure {
  const { kind, code, message, fields, details } = rejection;
  return failure(statusOfKind[kind], code, message, {
    ...(fields !== undefined && { fields }),
    ...(details !== undefined && { metadata: details }),
    ...(retryAfterMs[kind] !== undefined && { retryAfterMs: retryAfterMs[kind] }),
  });
}

/** `reason` is the stable code of ErrorInfo. Texts are cut to what a header can carry. */
export function failure(
  code: StatusCode,
  reason: string,
  message: string,
  more: {
    readonly fields?: readonly FieldViolation[];
    readonly metadata?: { readonly [key: string]: string };
    readonly retryAfterMs?: number;
  } = {},
): Failure {
  const info = { reason, domain, metadata: metadataWithin(more.metadata ?? {}) };
  const details: { desc: DescMessage; value: Message }[] = [
    { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, info) },
  ];
  if (more.fields !== undefined) {
    const fieldViolations = fieldsWithin(more.fields);
    const value = create(BadRequestSchema, { fieldViolations });
    details.push({ desc: BadRequestSchema, value });
  }
  if (more.retryAfterMs !== undefined) {
    const value = create(RetryInfoSchema, { retryDelay: durationFromMs(more.retryAfterMs) });
    details.push({ desc: RetryInfoSchema, value });
  }
  return { code, message: text(message, longestMessage), details };
}

/** A half of a surrogate pair is no text: encoding it throws, in this and in other libraries. */
function text(value: string, longest: number): string {
  return (value.length > longest ? `${value.slice(0, longest - 1)}…` : value).toWellFormed();
}

function fieldsWithin(fields: readonly FieldViolation[]) {
  let left = fieldsBudget;
  const kept: { field: string; description: string; reason: string }[] = [];
  for (const violation of fields) {
    const field = text(violation.field, longestDescription);
    const reason = text(violation.rule, longestDescription);
    const description = text(violation.message, longestDescription);
    left -= Buffer.byteLength(field) + Buffer.byteLength(reason) + Buffer.byteLength(description);
    if (left < 0) break;
    kept.push({ field, description, reason });
  }
  return kept;
}

function metadataWithin(metadata: { readonly [key: string]: string }): Record<string, string> {
  let left = metadataBudget;
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    const short = text(value, longestDescription);
    left -= Buffer.byteLength(key) + Buffer.byteLength(short);
    if (left < 0) break;
    kept[key] = short;
  }
  return kept;
}
