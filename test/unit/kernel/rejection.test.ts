import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { CommandReceiptSchema } from '../../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { isRejection, reject, rejectField } from '../../../src/kernel/rejection.ts';

test('a refusal is one', () => {
  expect(isRejection(reject('INVALID', 'CODE', 'a sentence'))).toBe(true);
  expect(isRejection(rejectField('CODE', 'field', 'a sentence'))).toBe(true);
});

test('a message is none, whatever its fields are named', () => {
  const message = create(CommandReceiptSchema);
  expect(isRejection(message)).toBe(false);
  expect(isRejection(Object.assign(message, { rejected: true }))).toBe(false);
});

test('and nothing else is', () => {
  for (const value of [
    undefined,
    null,
    'rejected',
    [],
    {},
    { rejected: false },
    { rejected: [] },
  ]) {
    expect(isRejection(value)).toBe(false);
  }
});
