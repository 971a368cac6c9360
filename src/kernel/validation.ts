import { type DescMessage, getOption, isMessage, type Message, toJson } from '@bufbuild/protobuf';
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { sensitive } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { memoised } from './memoised.ts';
import { type FieldViolation, type Rejection, reject } from './rejection.ts';

export type Validate = (schema: DescMessage, message: Message) => Rejection | undefined;

const mostViolations = 20;
const mostShown = 40;

/**
 * Patterns by the platform's regular expressions, as the validator's own formats are, and not by its
 * engine for patterns, which is slow and guards against those that take for ever: those here are the
 * project's. White space and ends of lines (`\S`, `.`) are Unicode's then.
 */
const regExpOf = memoised((pattern) => new RegExp(pattern, 'u'));

/** Checks messages against the `buf.validate` rules of their protos. Rules are compiled once. */
export function createValidation(): Validate {
  const validator = createValidator({
    regexMatch: (pattern, text) => regExpOf(pattern).test(text),
  });
  return (schema, message) => {
    const result = validator.validate(schema, message);
    if (result.kind === 'valid') return undefined;
    if (result.kind === 'error') throw result.error;
    const fields = result.violations
      .slice(0, mostViolations)
      .map((violation) => toFieldViolation(violation, message));
    const first = fields[0];
    return reject(
      'INVALID',
      'VALIDATION_FAILED',
      first === undefined ? 'the message breaks a rule' : `${first.field}: ${first.message}`,
      { fields },
    );
  };
}

function toFieldViolation(violation: Violation, message: Message): FieldViolation {
  const rule = violation.ruleId;
  const broken = violation.message === '' ? `breaks the rule ${rule}` : violation.message;
  const value = valueText(violation, message);
  return {
    field: pathText(violation),
    rule,
    message: value === undefined ? broken : `${value}: ${broken}`,
  };
}

/**
 * The value at fault, short: of a list how many items it has; undefined where it is secret, absent,
 * or a message that is no time.
 */
function valueText(violation: Violation, message: Message): string | undefined {
  let value: unknown = message;
  for (const part of violation.field) {
    if (part.kind === 'field') {
      if (getOption(part, sensitive)) return undefined;
      value = childOf(value, part.oneof?.localName, part.localName);
    } else if (part.kind === 'list_sub') {
      value = Array.isArray(value) ? value[part.index] : undefined;
    } else {
      return undefined;
    }
  }
  if (typeof value === 'string') return shortened(value);
  if (Array.isArray(value)) return `${value.length} items`;
  if (isMessage(value, DurationSchema) || isMessage(value, TimestampSchema)) return timeText(value);
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

function shortened(text: string): string {
  if (text.length <= mostShown) return JSON.stringify(text);
  return `${JSON.stringify(`${text.slice(0, mostShown)}…`)} (${text.length} characters)`;
}

function timeText(time: Duration | Timestamp): string {
  try {
    return isMessage(time, DurationSchema)
      ? toJson(DurationSchema, time)
      : toJson(TimestampSchema, time as Timestamp);
  } catch {
    return `${time.seconds} s and ${time.nanos} ns`;
  }
}

function childOf(value: unknown, oneof: string | undefined, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as { [name: string]: unknown };
  if (oneof === undefined) return record[name];
  const chosen = record[oneof] as { case?: string; value?: unknown } | undefined;
  return chosen?.case === name ? chosen.value : undefined;
}

function pathText(violation: Violation): string {
  let text = '';
  for (const part of violation.field) {
    if (part.kind === 'field') text += text === '' ? part.name : `.${part.name}`;
    else if (part.kind === 'oneof') text += text === '' ? part.name : `.${part.name}`;
    else if (part.kind === 'list_sub') text += `[${part.index}]`;
    else if (part.kind === 'map_sub') text += `[${JSON.stringify(String(part.key))}]`;
  }
  return text;
}
