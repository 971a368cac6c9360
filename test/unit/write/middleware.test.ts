import { expect, test } from '@jest/globals';
import { DepositCashCommandSchema } from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import { type Handle, measuring, type Run } from '../../../src/write/middleware.ts';

const run = { route: { schema: DepositCashCommandSchema } } as unknown as Run;

/** Under which outcome a command counts that ends so, and how it ends. */
async function counted(handle: Handle): Promise<readonly [outcome: string, told: unknown]> {
  let seen = '';
  const observe = (_: string, outcome: string) => {
    seen = outcome;
  };
  const told = await measuring({ observe })(handle)(run).catch((error: unknown) => error);
  return [seen, told];
}

test('a command counts under the code of the fault of its store; what is none is a bug', async () => {
  const away = new StoreFault('STORE_UNAVAILABLE', 'away');
  const bug = new TypeError('bug');
  const failing = (error: Error) => () => Promise.reject(error);
  expect(await counted(failing(away))).toEqual(['STORE_UNAVAILABLE', away]);
  expect(await counted(failing(bug))).toEqual(['FAILED', bug]);
});
