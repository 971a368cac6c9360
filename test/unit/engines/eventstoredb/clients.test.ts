import { expect, test } from '@jest/globals';
import { openClient } from '../../../../src/engines/eventstoredb/clients.ts';

test.each([
  ['tlsCAFile=/no%2Fca.pem', 'its tlsCAFile cannot be read: /no%2Fca.pem: ENOENT'],
  ['defaultDeadline=5&Tls_ca-file=/no/ca', 'its tlsCAFile cannot be read: /no/ca: ENOENT'],
  [`tlsCAFile=${import.meta.filename}`, `its tlsCAFile cannot be read: ${import.meta.filename}: `],
  ['userCertFile=/no/a&userKeyFile=/no/b', 'its userCertFile cannot be read: /no/a: ENOENT'],
  ['defaultDeadline=soon', 'cannot be read'],
])('a connection string with %s is refused, without its password', (options, problem) => {
  const open = () => openClient(`esdb://ada:s3cret@node:2113?${options}`);
  expect(open).toThrow(problem);
  expect(open).not.toThrow(/s3cret/);
});
