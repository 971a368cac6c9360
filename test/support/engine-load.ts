import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
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
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import type { ServerProcess } from './server-processes.ts';

const userId = 'local';
const tryMs = 5_000;

/** What must be there in the end. */
export type Portfolio = { readonly id: string; cash: number; quantity: number };

/** What clients saw, by what they did and the status with its reason: how often. */
export type Seen = Map<string, number>;

export type Load = {
  readonly portfolios: readonly Portfolio[];
  /** Searches for it find the strategies of this load. */
  readonly mark: string;
  readonly strategies: readonly string[];
  readonly answers: () => number;
  readonly longestWaitMs: () => number;
  /** @throws what ended a client: a wrong answer, or an error that does not pass by itself */
  readonly check: () => void;
  /** Clients send no more; ends when each has the acknowledgement of what it sent. */
  readonly stop: () => Promise<void>;
};

/** What clients of one load after another have seen. */
export type Ledger = {
  /** Each command once, by its id. */
  readonly acknowledged: Map<string, CommandReceipt>;
  readonly refusals: Seen;
  readonly queryFaults: Seen;
};

/** After these the same may be sent again: the store or the server was away, or nobody answered. */
const passing = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];

function note(seen: Seen, what: string, error: unknown): ConnectError {
  const failed = ConnectError.from(error);
  const [info] = failed.findDetails(ErrorInfoSchema);
  const key = `${what}: ${Code[failed.code]} ${info?.reason ?? '-'}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
  return failed;
}

/**
 * Clients that send commands, each again with the same id until it is acknowledged, and that ask
 * what has become of them; and clients that only ask.
 *
 * ledger: is added to
 * random: 0 to 1
 */
export async function startLoad(
  servers: { readonly write: ServerProcess; readonly read: ServerProcess },
  ledger: Ledger,
  random: () => number,
  { writers = 6, readers = 2 } = {},
): Promise<Load> {
  const commands = servers.write.client(TradingCommandService);
  const queries = servers.read.client(TradingQueryService);
  const { acknowledged, refusals, queryFaults } = ledger;
  const mark = `chaos${randomUUID().slice(0, 8)}`;
  const instrumentId = `BTC-${mark.toUpperCase()}`;
  const strategies: string[] = [];
  let isOver = false;
  let longestWaitMs = 0;
  let answers = 0;

  type Options = { timeoutMs: number };
  /** @throws what does not pass by itself */
  const send = async (
    command: (metadata: { commandId: string }, options: Options) => Promise<CommandReceipt>,
  ): Promise<CommandReceipt> => {
    const metadata = { commandId: randomUUID() };
    const startedAt = performance.now();
    for (;;) {
      try {
        const receipt = await command(metadata, { timeoutMs: tryMs });
        acknowledged.set(metadata.commandId, receipt);
        longestWaitMs = Math.max(longestWaitMs, performance.now() - startedAt);
        return receipt;
      } catch (error) {
        const { code } = note(refusals, 'command', error);
        if (!passing.includes(code)) throw error;
        await delay(20 + 200 * random());
      }
    }
  };

  const deposit = async (portfolio: Portfolio, amount: number) => {
    const { id: portfolioId } = portfolio;
    const given = { portfolioId, amount: `${amount}` };
    const receipt = await send((metadata, options) =>
      commands.depositCash({ ...given, metadata }, options),
    );
    portfolio.cash += amount;
    return receipt;
  };

  const trade = async (portfolio: Portfolio, side: TradeSide, quantity: number) => {
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
  };

  const openPortfolio = async (portfolioName: string): Promise<Portfolio> => {
    const given = { userId, portfolioName, baseCurrency: 'USD' };
    const costBasisMethod = CostBasisMethod.FIFO;
    const { aggregateId } = await send((metadata, options) =>
      commands.openPortfolio({ ...given, costBasisMethod, metadata }, options),
    );
    const portfolio = { id: aggregateId, cash: 0, quantity: 0 };
    await deposit(portfolio, 1_000_000);
    const { consistencyToken } = await trade(portfolio, TradeSide.BUY, 100_000);
    // Readers ask without a token: from here on it is there.
    const consistency = { atLeastAsFreshAs: consistencyToken, patience: { seconds: 20n } };
    await queries.getPortfolio({ portfolioId: portfolio.id, consistency });
    return portfolio;
  };

  const makeStrategy = async (): Promise<CommandReceipt> => {
    const strategyName = `${mark} ${strategies.length} ${randomUUID().slice(0, 8)}`;
    const receipt = await send((metadata, options) =>
      commands.createTradingStrategy({ userId, strategyName, rules, metadata }, options),
    );
    strategies.push(receipt.aggregateId);
    return receipt;
  };

  await send((metadata, options) =>
    commands.registerInstrument(
      {
        ...{ instrumentId, assetClass: AssetClass.CRYPTO, baseAsset: 'BTC' },
        ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.00000001', metadata },
      },
      options,
    ),
  );
  const portfolios = await Promise.all(['a', 'b', 'c', 'd'].map(openPortfolio));
  const any = () => portfolios[Math.floor(random() * portfolios.length)] as Portfolio;

  /** An answer that is not there is told; one that is wrong ends the test. */
  const asked = async (ask: () => Promise<void>) => {
    try {
      await ask();
      answers += 1;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const { code } = note(queryFaults, 'query', error);
      if (!passing.includes(code)) throw error;
      await delay(500);
    }
  };

  const writer = async () => {
    while (!isOver) {
      // As much as a busy machine keeps up with: what is looked for are failures, not floors.
      await delay(300 * random());
      const portfolio = any();
      const kind = random();
      const side = random() < 0.5 ? TradeSide.BUY : TradeSide.SELL;
      if (kind < 0.1) await makeStrategy();
      else if (kind < 0.4) await trade(portfolio, side, 1 + Math.floor(random() * 3));
      else {
        const receipt = await deposit(portfolio, 1 + Math.floor(random() * 100));
        if (kind > 0.5) continue;
        // Read what one has written oneself.
        await asked(async () => {
          const atLeastAsFreshAs = receipt.consistencyToken;
          const consistency = { atLeastAsFreshAs, patience: { seconds: 4n } };
          const question = { portfolioId: portfolio.id, consistency };
          const answer = await queries.getPortfolio(question, { timeoutMs: tryMs });
          const revision = answer.portfolio?.revision ?? -1n;
          if (revision >= receipt.revision) return;
          throw new Error(`revision ${revision} is older than the write, ${receipt.revision}`);
        });
      }
    }
  };

  const reader = async () => {
    const newest = new Map<string, bigint>();
    while (!isOver) {
      const { id: portfolioId } = any();
      await asked(async () => {
        const options = { timeoutMs: tryMs };
        const { portfolio } = await queries.getPortfolio({ portfolioId }, options);
        const revision = portfolio?.revision ?? -1n;
        const before = newest.get(portfolioId) ?? -1n;
        if (revision < before) throw new Error(`revision ${revision} after ${before}`);
        newest.set(portfolioId, revision);
      });
      await asked(async () => {
        const question = { userId, text: 'chaso', page: { pageSize: 20 } };
        await queries.searchStrategies(question, { timeoutMs: tryMs });
      });
      await delay(20);
    }
  };

  const working = [
    ...Array.from({ length: writers }, writer),
    ...Array.from({ length: readers }, reader),
  ];
  const all = Promise.all(working);
  let failure: { readonly cause: unknown } | undefined;
  all.catch((cause) => {
    isOver = true;
    failure = { cause };
  });
  return {
    ...{ portfolios, mark, strategies },
    answers: () => answers,
    longestWaitMs: () => longestWaitMs,
    check: () => {
      if (failure !== undefined) throw failure.cause;
    },
    stop: async () => {
      isOver = true;
      await all;
    },
  };
}

const rules = [
  {
    indicator: { indicator: Indicator.SMA, window: 20 },
    comparator: Comparator.CROSSES_ABOVE,
    against: { case: 'threshold' as const, value: '100' },
    action: RuleAction.ENTER_LONG,
  },
];
