import { expect, test } from '@jest/globals';
import { identityViews } from '../../../src/identity/views.ts';
import { createRedaction } from '../../../src/projection/redaction.ts';

test('operators who read the log are not shown what an event marks as sensitive', () => {
  const redact = createRedaction(identityViews);
  const data = { userId: 'u', email: 'a@example.org', passwordHash: '$argon2id$v=19$x' };
  expect(redact('cipherhorizon.identity.v1.UserCreated', data)).toEqual({
    ...data,
    passwordHash: '[redacted]',
  });
  expect(redact('cipherhorizon.identity.v1.UserDeactivated', data)).toBe(data);
});
