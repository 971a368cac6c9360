import type { DescMessage, Message } from '@bufbuild/protobuf';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { type FieldViolation, type Rejection, reject } from './rejection.ts';

export type Validate = (schema: DescMessage, message: Message) => Rejection | undefined;

const mostViolations = 20;

/** Checks messages against the `buf.validate` rules of their protos. Rules are compiled once. */
export function createValidation(): Validate {
  const validator = createValidator();
  return (schema, message) => {
    const result = validator.validate(schema, message);
    if (result.kind === 'valid') return undefined;
    if (result.kind === 'error') throw result.error;
    const fields = result.violations.slice(0, mostViolations).map(toFieldViolation);
    const first = fields[0];
    return reject(
      'INVALID',
      'VALIDATION_FAILED',
      first === undefined ? 'the message breaks a rule' : `${first.field}: ${first.message}`,
      { fields },
    );
  };
}

function toFieldViolation(violation: Violation): FieldViolation {
  return {
    field: pathText(violation),
    rule: violation.ruleId,
    message: violation.message === '' ? `breaks the rule ${violation.ruleId}` : violation.message,
  };
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
