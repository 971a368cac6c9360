import { join } from 'node:path';
import { fromJson } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { expect, jest, test } from '@jest/globals';
import {
  ActivateTradingStrategyCommandSchema,
  CreateTradingStrategyCommandSchema,
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  RecordCandlesCommandSchema,
  RegisterInstrumentCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { TradeRecordedSchema } from '../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  AssetClass,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { StartStrategyRunCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import { add, decimal, mul, toText } from '../../../../src/kernel/decimal.ts';
import { runBacktest } from '../../../../src/trading/model/backtest.ts';
import { defaultFillModel } from '../../../../src/trading/model/fills.ts';
import { riskLimitsOf } from '../../../../src/trading/model/risk.ts';
import { bitcoinCandles, bitcoinRows } from '../../../support/bitcoin-candles.ts';
import { accepted, operator } from '../../../support/command-bus.ts';
import { runParts } from '../../../support/run-parts.ts';
import { day } from '../../../support/signal-desk.ts';
import { createSignalWorld, liveIn } from '../../../support/signal-world.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { tradingRule as rule } from '../../../support/trading-rules.ts';

jest.setTimeout(300_000);

const folder = temporaryFolder();
const { SMA } = Indicator;
const rules = [
  rule([SMA, 20], Comparator.CROSSES_ABOVE, [SMA, 50], RuleAction.ENTER_LONG),
  rule([SMA, 20], Comparator.CROSSES_BELOW, [SMA, 50], RuleAction.EXIT_LONG),
];
const terms = { tickSize: '0.01', lotSize: '0.00000001', minimumOrderSize: '0.0001' };
const instrumentId = 'BTC-USD';

/** Candle by candle through the log: run, signal, reservation, paper venue, settlement. */
async function tradedLive(riskProfile: { readonly maxPositionSize?: string }, candleCount: number) {
  const world = createSignalWorld(join(folder, `${JSON.stringify(riskProfile).length}.db`));
  const life = await liveIn(world, undefined, runParts);
  const { bus } = life;
  await life.restore();
  const assets = { assetClass: AssetClass.CRYPTO, baseAsset: 'BTC', quoteCurrency: 'USD' };
  const instrument = { instrumentId, ...assets, ...terms };
  accepted(await bus.send(RegisterInstrumentCommandSchema, instrument, operator));
  const opened = await bus.send(OpenPortfolioCommandSchema, {
    ...{ userId: 'alice', portfolioName: 'Live', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  const portfolioId = accepted(opened).aggregateId;
  const occurredAt = timestampFromMs(Date.UTC(2014, 0, 1));
  accepted(await bus.send(DepositCashCommandSchema, { portfolioId, amount: '10000', occurredAt }));
  const created = await bus.send(CreateTradingStrategyCommandSchema, {
    ...{ userId: 'alice', strategyName: 'Crossover', rules, riskProfile },
  });
  const strategyId = accepted(created).aggregateId;
  accepted(await bus.send(ActivateTradingStrategyCommandSchema, { strategyId }));
  accepted(
    await bus.send(StartStrategyRunCommandSchema, {
      ...{ userId: 'alice', strategyId, portfolioId, instrumentId, interval: day },
    }),
  );
  for (const { start, ...figures } of bitcoinRows().slice(0, candleCount)) {
    const candles = [{ start: BigInt(start), ...figures }];
    const command = { instrumentId, interval: day, candles };
    accepted(await bus.send(RecordCandlesCommandSchema, command, operator));
    await life.settle();
  }
  await life.stop();
  const trades = (await world.all())
    .filter(({ type }) => type === TradeRecordedSchema.typeName)
    .map(({ data }) => fromJson(TradeRecordedSchema, data as never));
  const unfinished = life.unfinished();
  await world[Symbol.asyncDispose]();
  return { trades, unfinished };
}

test.each([
  [{}, 1318, 27],
  [{ maxPositionSize: '0.6' }, 250, 6],
])(
  'a crossover of averages over bitcoin trades live as in the backtest: %j, %d candles',
  async (profile, candleCount, tradeCount) => {
    const backtest = runBacktest(
      {
        ...{ rules, limits: riskLimitsOf(profile as never), model: defaultFillModel },
        instrument: {
          tickSize: decimal(terms.tickSize),
          lotSize: decimal(terms.lotSize),
          minimumOrderSize: decimal(terms.minimumOrderSize),
        },
        ...{ cash: decimal('10000'), fraction: decimal('1'), from: 0 },
      },
      bitcoinCandles().slice(0, candleCount),
    );
    const { trades, unfinished } = await tradedLive(profile, candleCount);
    expect(unfinished).toBe(0);
    expect(
      trades.map(({ side, quantity, price, fee, cash, position, executedAt }) => ({
        ...{ side, quantity, price, fee, cash, position },
        at: executedAt && timestampMs(executedAt) / 1000,
      })),
    ).toEqual(
      backtest.trades.map(({ side, quantity, price, fee, cash, position, at }) => ({
        ...{ side: TradeSide[side], quantity: toText(quantity), price: toText(price) },
        ...{ fee: toText(fee), cash: toText(cash), position: toText(position), at },
      })),
    );
    expect(trades.length).toBe(tradeCount);
    // The equity at every close, from what is in the log.
    let next = 0;
    let [cash, position] = [decimal('10000'), decimal('0')];
    const candles = bitcoinCandles().slice(0, candleCount);
    const equity = candles.map(({ start, seconds, close }) => {
      for (; next < trades.length; next += 1) {
        const trade = trades[next];
        if (trade?.executedAt === undefined) break;
        if (timestampMs(trade.executedAt) / 1000 >= start + seconds) break;
        [cash, position] = [decimal(trade.cash), decimal(trade.position)];
      }
      return toText(add(cash, mul(position, close)));
    });
    expect(equity).toEqual(backtest.points.map((point) => toText(point.equity)));
  },
);
