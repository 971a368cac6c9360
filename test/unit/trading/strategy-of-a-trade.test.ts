import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import {
  CreateTradingStrategyCommandSchema,
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  RecordTradeCommandSchema,
  RegisterInstrumentCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import { isRejection } from '../../../src/kernel/rejection.ts';
import type { EventStore } from '../../../src/write/event-store.ts';
import {
  accepted,
  admin,
  alice,
  bob,
  codeOf,
  operator,
  startBus,
  type TestBus,
} from '../../support/command-bus.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db') });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

async function strategyOf(bus: TestBus, { subject }: Principal): Promise<string> {
  const rule = {
    indicator: { indicator: Indicator.RSI, window: 14 },
    comparator: Comparator.BELOW,
    against: { case: 'threshold' as const, value: '30' },
    action: RuleAction.ENTER_LONG,
  };
  const command = { userId: subject, strategyName: 'Dip', rules: [rule] };
  const by = { subject, roles: ['user'] };
  return accepted(await bus.send(CreateTradingStrategyCommandSchema, command, by)).aggregateId;
}

test('a trade belongs to a strategy of the user of its portfolio, whoever records it', async () => {
  const bus = startBus(store);
  await bus.send(
    RegisterInstrumentCommandSchema,
    {
      ...{ instrumentId: 'BTC-USD', assetClass: AssetClass.CRYPTO, baseAsset: 'BTC' },
      ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.001' },
    },
    operator,
  );
  const opened = await bus.send(OpenPortfolioCommandSchema, {
    ...{ userId: 'alice', portfolioName: 'Savings', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  const portfolioId = accepted(opened).aggregateId;
  accepted(await bus.send(DepositCashCommandSchema, { portfolioId, amount: '100' }));
  const trade = (strategyId: string, by: Principal) =>
    bus.send(
      RecordTradeCommandSchema,
      {
        ...{ portfolioId, instrumentId: 'BTC-USD', side: TradeSide.BUY },
        ...{ quantity: '1', price: '1', strategyId },
      },
      by,
    );
  const mine = await strategyOf(bus, alice);
  const his = await strategyOf(bus, bob);
  accepted(await trade(mine, alice));
  accepted(await trade(mine, admin));
  expect(codeOf(await trade(his, alice))).toBe('STRATEGY_UNKNOWN');
  expect(codeOf(await trade(his, admin))).toBe('STRATEGY_UNKNOWN');
  const none = randomUUID();
  const [foreign, missing] = [await trade(his, alice), await trade(none, alice)];
  if (!isRejection(foreign) || !isRejection(missing)) throw new Error('it was accepted');
  expect(foreign.message.replace(his, none)).toBe(missing.message);
  expect({ ...foreign, message: '', fields: [] }).toEqual({ ...missing, message: '', fields: [] });
  // Nor does somebody else's portfolio tell whose strategy it is.
  expect(codeOf(await trade(his, bob))).toBe('PORTFOLIO_NOT_FOUND');
});
