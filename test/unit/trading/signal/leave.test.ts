import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { ExecuteExitSignalCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  OrderTermsSchema,
  SignalOrigin,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { decimal } from '../../../../src/kernel/decimal.ts';
import { isRejection } from '../../../../src/kernel/rejection.ts';
import type { SignalPortfolio } from '../../../../src/trading/signal/account.ts';
import { executeExit } from '../../../../src/trading/signal/leave.ts';

const instrumentId = 'BTC-USD';

/** What an exit of 2 sells where so much is held, and so much of it reserved for other sales. */
function sold(held: string, reserved: string): string {
  const units = decimal(reserved);
  const portfolio: SignalPortfolio = {
    ...{ lifecycle: 'open', userId: 'alice', baseCurrency: 'USD', cash: decimal('1000') },
    positions: [{ instrumentId, quantity: decimal(held), price: decimal('100') }],
    reservations: [{ signalId: 'other', instrumentId, cash: decimal('0'), units }],
    ...{ closings: [], worth: { peak: decimal('1000') }, lastActivity: undefined },
  };
  const lots = { tickSize: '0.01', lotSize: '0.1', minimumOrderSize: '0.5' };
  const terms = create(OrderTermsSchema, { instrumentId, ...lots });
  const command = create(ExecuteExitSignalCommandSchema, {
    ...{ terms, origin: SignalOrigin.STOP_LOSS, price: '90', quantity: '2' },
  });
  const decided = executeExit(command, {
    ...{ id: 'exit', commandId: 'exit', nowMs: 0, prepared: undefined, related: { portfolio } },
    principal: { subject: 'alice', roles: ['process'] },
  });
  return isRejection(decided) ? decided.code : String(decided[0]?.terms?.quantity);
}

test('an exit sells what is free, and where that is too little, waits for what is held', () => {
  expect(sold('5', '0')).toBe('2');
  expect(sold('1.26', '0')).toBe('1.2');
  expect(sold('2', '1.5')).toBe('0.5');
  // Its reservation fails, unless others have let go meanwhile.
  expect(sold('2', '1.6')).toBe('2');
  expect(sold('1', '1')).toBe('1');
  expect(sold('0.4', '0')).toBe('2');
  expect(sold('0', '0')).toBe('2');
});
