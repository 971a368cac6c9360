/**
 * Refusals are values. The kind is what a caller can do about it, and the edge maps it to a status;
 * the code is stable and tells which rule; the message names the value at fault and the rule.
 */
export type RejectionKind =
  | 'INVALID' // the input breaks a rule of its own: correct it
  | 'NOT_FOUND' // there is no such record, or none that the caller may see
  | 'ALREADY_EXISTS' // a unique value is taken
  | 'PRECONDITION' // the state does not allow it
  | 'CONFLICT' // others were faster: try again
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'OVERLOADED' // try again later
  | 'UNAVAILABLE' // a part of the system is away: try again
  | 'TIMED_OUT';

export type FieldViolation = {
  /** Path of the field, as in the proto: `candles[3].high`. */
  readonly field: string;
  /** Identifier of the rule, as `string.pattern`. */
  readonly rule: string;
  readonly message: string;
};

export type Rejection = {
  readonly rejected: true;
  readonly kind: RejectionKind;
  /** UPPER_SNAKE_CASE, never renamed. */
  readonly code: string;
  readonly message: string;
  readonly fields?: readonly FieldViolation[];
  /** More for machines: goes out as ErrorInfo metadata. */
  readonly details?: { readonly [key: string]: string };
};

export function reject(
  kind: RejectionKind,
  code: string,
  message: string,
  more: Pick<Rejection, 'fields' | 'details'> = {},
): Rejection {
  return { rejected: true, kind, code, message, ...more };
}

/** A rule of one field is broken: the code, the field, and a sentence with the value and the rule. */
export function rejectField(code: string, field: string, message: string): Rejection {
  return rejectFieldAs('INVALID', code, field, message);
}

/** The same, where the field is at fault by the state of things, not by itself. */
export function rejectFieldAs(
  kind: RejectionKind,
  code: string,
  field: string,
  message: string,
): Rejection {
  return reject(kind, code, message, { fields: [{ field, rule: code, message }] });
}

/** A message of protobuf is none, also where it has a field of that name. */
export function isRejection(value: unknown): value is Rejection {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { readonly rejected?: unknown }).rejected === true &&
    !('$typeName' in value)
  );
}
