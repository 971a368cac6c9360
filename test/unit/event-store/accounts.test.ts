import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { readAccounts } from '../../../src/event-store/accounts.ts';
import { createAuthentication } from '../../../src/event-store/credentials.ts';

describe('a file of users', () => {
  test('has a user on each line', () => {
    const text = '# ours\n\nadmin  changeit   $admins\r\n  ada s3:cret analysts,,auditors \nbob pw';

    expect(readAccounts(text)).toEqual([
      { name: 'admin', password: 'changeit', groups: ['$admins'] },
      { name: 'ada', password: 's3:cret', groups: ['analysts', 'auditors'] },
      { name: 'bob', password: 'pw', groups: [] },
    ]);
  });

  test.each(['ada', 'ada pw a b', 'a:da pw'])('is refused where a line is none: %s', (line) => {
    expect(() => readAccounts(`# one\n${line}`)).toThrow('line 2 of the users');
    // What may be a password is not told.
    expect(() => readAccounts(`# one\n${line}`)).not.toThrow(line);
  });

  test('is refused where it names none', () => {
    expect(() => readAccounts('# nobody\n')).toThrow('names none');
  });
});

describe('the caller', () => {
  const authenticate = createAuthentication(readAccounts('ada s3:cret analysts'));

  function withHeader(value?: string): Metadata {
    const metadata = new Metadata();
    if (value !== undefined) metadata.set('authorization', value);
    return metadata;
  }
  const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`;

  test('is found by name and password', () => {
    expect(authenticate(withHeader(basic('ada:s3:cret')))).toEqual({
      kind: 'user',
      name: 'ada',
      groups: ['analysts'],
    });
  });

  test('is nobody without credentials, and everybody where there are no users', () => {
    expect(authenticate(withHeader())).toEqual({ kind: 'anonymous' });
    expect(createAuthentication(undefined)(withHeader('Basic x'))).toEqual({ kind: 'everybody' });
  });

  test.each([basic('ada:'), basic('ada'), basic('eve:s3:cret'), basic(':'), 'Basic %', 'Bearer x'])(
    'is refused with %s',
    (header) => {
      let code: status | undefined;
      try {
        authenticate(withHeader(header));
      } catch (error) {
        code = (error as { code: status }).code;
      }

      expect(code).toBe(status.UNAUTHENTICATED);
    },
  );
});
