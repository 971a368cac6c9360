import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from '@jest/globals';
import { describeError } from '../../../cmd/cli/errors.ts';
import { CliError } from '../../../cmd/cli/exit-codes.ts';
import { readConfig } from '../../../src/config/config.ts';
import { reject, rejectField } from '../../../src/kernel/rejection.ts';
import { connectError } from '../../../src/transport/connect-errors.ts';
import { rpcUnknown } from '../../../src/transport/outside.ts';
import { failureOf } from '../../../src/transport/status.ts';

const context = {
  server: { name: 'read', url: 'http://127.0.0.1:8052' },
  dataDirectory: './var',
};

describe('what an error says', () => {
  test('a refusal: its code, its sentence, its fields', () => {
    const fields = [{ field: 'amount', rule: 'string.pattern', message: '"x": no decimal' }];
    const rejection = reject('INVALID', 'AMOUNT_INVALID', 'amount: no decimal', { fields });
    const { exit, lines, json } = describeError(connectError(failureOf(rejection)), context);
    expect(exit).toBe(4);
    expect(lines).toEqual([
      'refused: AMOUNT_INVALID (INVALID_ARGUMENT)',
      'amount: no decimal',
      '  amount: "x": no decimal [string.pattern]',
    ]);
    expect(json).toEqual({
      error: {
        ...{ code: 'AMOUNT_INVALID', status: 'INVALID_ARGUMENT', message: 'amount: no decimal' },
        ...{ fields, metadata: {} },
      },
    });
  });

  test('a sentence that is the one of its field stands once', () => {
    const fields = [{ field: 'amount', rule: 'string.pattern', message: '"x": no decimal' }];
    const rejection = reject('INVALID', 'INVALID', 'amount: "x": no decimal', { fields });
    expect(describeError(connectError(failureOf(rejection))).lines).toEqual([
      'refused: INVALID (INVALID_ARGUMENT)',
      '  amount: "x": no decimal [string.pattern]',
    ]);
  });

  test('nor does one that names its field itself', () => {
    const message = 'amount is 0; it has to be over 0';
    const rejection = rejectField('AMOUNT_NOT_POSITIVE', 'amount', message);
    const { lines, json } = describeError(connectError(failureOf(rejection)));
    expect(lines).toEqual(['refused: AMOUNT_NOT_POSITIVE (INVALID_ARGUMENT)', message]);
    const fields = [{ field: 'amount', rule: 'AMOUNT_NOT_POSITIVE', message }];
    expect(json).toMatchObject({ error: { fields } });
  });

  test('an RPC that is not there: the address may be wrong', () => {
    const { exit, lines } = describeError(connectError(rpcUnknown('/a.B/C')), context);
    expect(exit).toBe(3);
    expect(lines).toEqual([
      'the read server at http://127.0.0.1:8052 does not serve this call: is the address right?',
    ]);
  });

  test('a refused token says where tokens come from', () => {
    const rejection = reject('UNAUTHENTICATED', 'TOKEN_EXPIRED', 'the token has expired');
    const { exit, lines } = describeError(connectError(failureOf(rejection)), context);
    expect(exit).toBe(4);
    expect(lines.slice(2).join(' ')).toMatch(/HORIZON_TOKEN.*local key.*now \.\/var/);
  });

  test('a part that is away is no refusal', () => {
    const rejection = reject('UNAVAILABLE', 'STORE_UNAVAILABLE', 'the store is away');
    const { exit, lines } = describeError(connectError(failureOf(rejection)));
    expect(exit).toBe(3);
    expect(lines[0]).toBe('not available: STORE_UNAVAILABLE (UNAVAILABLE)');
  });

  test('a server that cannot be reached', () => {
    const error = new ConnectError('connect ECONNREFUSED 127.0.0.1:8052', Code.Unavailable);
    const { exit, lines } = describeError(error, context);
    expect(exit).toBe(3);
    expect(lines[0]).toBe(
      'cannot reach the read server at http://127.0.0.1:8052: connect ECONNREFUSED 127.0.0.1:8052',
    );
  });

  test('a fault of the server, of the configuration, of this program', () => {
    expect(describeError(new ConnectError('boom', Code.Internal), context).exit).toBe(1);
    expect(describeError(new TypeError('x is not a function'))).toMatchObject({
      exit: 1,
      lines: ['internal error: x is not a function'],
    });
    expect(describeError(new CliError('no such view')).lines).toEqual(['no such view']);
    try {
      readConfig({ MAX_IN_FLIGHT: 'many' });
    } catch (error) {
      expect(describeError(error).exit).toBe(2);
      return;
    }
    throw new Error('the configuration was taken');
  });
});
