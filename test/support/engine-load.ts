import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@connectrpc/connect';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { type Asking, createAsking, type Ledger } from './engine-ledger.ts';
import type { ServerProcess } from './server-processes.ts';

const userId = 'local';

/** What must be there in the end. */
export type Portfolio = { readonly id: string; cash: number; quantity: number };

export type Load = {
  readonly portfolios: readonly Portfolio[];
  /** Searches for it find the strategies of this load. */
  readonly mark: string;
  readonly strategies: readonly string[];
  /** How many questions have been answered. */
  readonly answers: () => number;
  readonly longestWaitMs: () => number;
  /** @throws what ended a client: a wrong answer, or an error that does not pass by itself */
  readonly check: () => void;
  /** Clients send no more; ends when each has the acknowledgement of what it sent. */
  readonly stop: () => Promise<void>;
};

type Servers = { readonly write: ServerProcess; readonly read: ServerProcess };

/**
 * Clients that send commands, each again with the same id until it is acknowledged, and that ask
 * what has become of them; and clients that only ask.
 *
 * ledger: is added to
 * random: 0 to 1
 */
export async function startLoad(
  servers: Servers,
  ledger: Ledger,
  random: () => number,
  { writers = 6, readers = 2 } = {},
): Promise<Load> {
  const queries = servers.read.client(TradingQueryService);
  const asking = createAsking(ledger);
  const mark = `chaos${randomUUID().slice(0, 8)}`;
  const commands = createCommands(servers.write.client(TradingCommandService), asking, mark);
  await commands.registerInstrument();
  const portfolios = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const portfolio = await commands.openPortfolio(name);
      await commands.deposit(portfolio, 1_000_000);
      const { consistencyToken } = await commands.trade(portfolio, TradeSide.BUY, 100_000);
      // Readers ask without a token: from here on it is there.
      const consistency = { atLeastAsFreshAs: consistencyToken, patience: { seconds: 20n } };
      await queries.getPortfolio({ portfolioId: portfolio.id, consistency });
      return portfolio;
    }),
  );
  const clients = createClients({ asking, commands, queries, portfolios, mark, random });
  let isOver = false;
  const goesOn = () => !isOver;
  const all = Promise.all([
    ...Array.from({ length: writers }, () => clients.write(goesOn)),
    ...Array.from({ length: readers }, () => clients.read(goesOn)),
  ]);
  let failure: { readonly cause: unknown } | undefined;
  all.catch((cause) => {
    isOver = true;
    failure = { cause };
  });
  return {
    ...{ portfolios, mark, strategies: commands.strategies },
    answers: asking.answers,
    longestWaitMs: asking.longestWaitMs,
    check: () => {
      if (failure !== undefined) throw failure.cause;
    },
    stop: async () => {
      isOver = true;
      await all;
    },
  };
}

/** Commands that are done when they return, and what they have to come to. */
function createCommands(
  commands: Client<typeof TradingCommandService>,
  { send }: Asking,
  mark: string,
) {
  const instrumentId = `BTC-${mark.toUpperCase()}`;
  const strategies: string[] = [];

  async function registerInstrument(): Promise<void> {
    const given = {
      ...{ instrumentId, assetClass: AssetClass.CRYPTO, baseAsset: 'BTC' },
      ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.00000001' },
    };
    await send((metadata, options) => commands.registerInstrument({ ...given, metadata }, options));
  }

  async function openPortfolio(portfolioName: string): Promise<Portfolio> {
    const given = { userId, portfolioName, baseCurrency: 'USD' };
    const costBasisMethod = CostBasisMethod.FIFO;
    const { aggregateId } = await send((metadata, options) =>
      commands.openPortfolio({ ...given, costBasisMethod, metadata }, options),
    );
    return { id: aggregateId, cash: 0, quantity: 0 };
  }

  async function deposit(portfolio: Portfolio, amount: number): Promise<CommandReceipt> {
    const given = { portfolioId: portfolio.id, amount: `${amount}` };
    const receipt = await send((metadata, options) =>
      commands.depositCash({ ...given, metadata }, options),
    );
    portfolio.cash += amount;
    return receipt;
  }

  async function trade(
    portfolio: Portfolio,
    side: TradeSide,
    quantity: number,
  ): Promise<CommandReceipt> {
    const given = {
      ...{ portfolioId: portfolio.id, instrumentId, side },
      ...{ quantity: `${quantity}`, price: '2' },
    };
    const receipt = await send((metadata, options) =>
      commands.recordTrade({ ...given, metadata }, options),
    );
    const sign = side === TradeSide.BUY ? 1 : -1;
    portfolio.quantity += sign * quantity;
    portfolio.cash -= sign * quantity * 2;
    return receipt;
  }

  /** Its name has to be free: it is reserved in a stream of its own. */
  async function makeStrategy(): Promise<void> {
    const strategyName = `${mark} ${randomUUID()}`;
    const { aggregateId } = await send((metadata, options) =>
      commands.createTradingStrategy({ userId, strategyName, rules, metadata }, options),
    );
    strategies.push(aggregateId);
  }

  return { registerInstrument, openPortfolio, deposit, trade, makeStrategy, strategies };
}

function createClients(world: {
  readonly asking: Asking;
  readonly commands: ReturnType<typeof createCommands>;
  readonly queries: Client<typeof TradingQueryService>;
  readonly portfolios: readonly Portfolio[];
  readonly mark: string;
  readonly random: () => number;
}) {
  const { asking, commands, queries, portfolios, mark, random } = world;
  const any = () => portfolios[Math.floor(random() * portfolios.length)] as Portfolio;

  /** Reads what has been written. */
  const readBack = ({ id: portfolioId }: Portfolio, receipt: CommandReceipt) =>
    asking.ask(async (options) => {
      const atLeastAsFreshAs = receipt.consistencyToken;
      const consistency = { atLeastAsFreshAs, patience: { seconds: 4n } };
      const { portfolio } = await queries.getPortfolio({ portfolioId, consistency }, options);
      const revision = portfolio?.revision ?? -1n;
      if (revision >= receipt.revision) return;
      throw new Error(`revision ${revision} is older than the write, ${receipt.revision}`);
    });

  async function write(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      // As much as a busy machine keeps up with: what is looked for are failures, not floors.
      await delay(300 * random());
      const portfolio = any();
      const kind = random();
      const side = random() < 0.5 ? TradeSide.BUY : TradeSide.SELL;
      if (kind < 0.1) await commands.makeStrategy();
      else if (kind < 0.4) await commands.trade(portfolio, side, 1 + Math.floor(random() * 3));
      else {
        const receipt = await commands.deposit(portfolio, 1 + Math.floor(random() * 100));
        if (kind < 0.5) await readBack(portfolio, receipt);
      }
    }
  }

  async function read(goesOn: () => boolean): Promise<void> {
    const newest = new Map<string, bigint>();
    while (goesOn()) {
      const { id: portfolioId } = any();
      await asking.ask(async (options) => {
        const { portfolio } = await queries.getPortfolio({ portfolioId }, options);
        const revision = portfolio?.revision ?? -1n;
        const before = newest.get(portfolioId) ?? -1n;
        if (revision < before) throw new Error(`revision ${revision} after ${before}`);
        newest.set(portfolioId, revision);
      });
      await asking.ask(async (options) => {
        const question = { userId, text: mark, page: { pageSize: 20 } };
        await queries.searchStrategies(question, options);
      });
      await delay(20);
    }
  }

  return { write, read };
}

const rules = [
  {
    indicator: { indicator: Indicator.SMA, window: 20 },
    comparator: Comparator.CROSSES_ABOVE,
    against: { case: 'threshold' as const, value: '100' },
    action: RuleAction.ENTER_LONG,
  },
];
