import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  TradingCommandService,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { isRejection, type Rejection } from '../../src/kernel/rejection.ts';
import type { Call } from '../../src/kernel/rpc.ts';
import { createValidation } from '../../src/kernel/validation.ts';
import { tradingWrite } from '../../src/trading/write.ts';
import { createLog } from '../../src/transport/log.ts';
import { createMetrics } from '../../src/transport/metrics.ts';
import { createCommandBus } from '../../src/write/command-bus.ts';
import type { EventStore } from '../../src/write/event-store.ts';

export const eventsFile = 'events.db';

const caller: Call = {
  principal: { subject: 'bench', roles: ['user'] },
  signal: new AbortController().signal,
  header: () => undefined,
};

/**
 * The command bus as the write server has it, with its log and its metrics, in this process.
 *
 * store: the embedded one in the folder by default; it is closed with the bus
 */
export function openBus(
  folder: string,
  store: EventStore = createSqliteEventLog({ path: join(folder, eventsFile) }),
) {
  const log = createLog({ name: 'bench', level: 'info', target: join(folder, 'bench.log') });
  const names = TradingCommandService.methods.map(({ input }) => input.name);
  const bus = createCommandBus({
    contexts: [tradingWrite],
    store,
    views: { names: [], positionOf: async () => undefined },
    tools: { hashSecret: () => Promise.reject(new Error('nothing is secret here')) },
    validate: createValidation(),
    metrics: createMetrics('bench').bus('command', names),
    log,
    now: Date.now,
    snapshotEvery: 500,
    cachedAggregates: 10_000,
    immediateViews: [],
    refusalsPerSecond: 100,
    refusalsKept: 100_000,
  });
  const routeOf = ({ typeName }: { readonly typeName: string }) => {
    const route = bus.catalogue.routes.get(typeName);
    if (route === undefined) throw new Error(`no route for ${typeName}`);
    return route;
  };
  const [opening, depositing] = [
    routeOf(OpenPortfolioCommandSchema),
    routeOf(DepositCashCommandSchema),
  ];
  return {
    bus,
    store,
    /** @returns the id of the portfolio */
    open: async (): Promise<string> => {
      const command = create(OpenPortfolioCommandSchema, {
        ...{ userId: 'bench', portfolioName: 'Savings', baseCurrency: 'USD' },
        costBasisMethod: CostBasisMethod.FIFO,
      });
      return accepted(await bus.execute(opening, command, caller)).aggregateId;
    },
    deposit: async (portfolioId: string): Promise<void> => {
      const metadata = { commandId: randomUUIDv7() };
      const terms = { portfolioId, amount: '125.50', note: 'monthly savings', metadata };
      const command = create(DepositCashCommandSchema, terms);
      accepted(await bus.execute(depositing, command, caller));
    },
    [Symbol.asyncDispose]: async () => {
      await bus[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

function accepted(outcome: CommandReceipt | Rejection): CommandReceipt {
  if (isRejection(outcome)) throw new Error(`refused: ${outcome.code}: ${outcome.message}`);
  return outcome;
}
