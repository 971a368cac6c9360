import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fromJson, type MessageInitShape } from '@bufbuild/protobuf';
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
  type RiskProfileSchema,
  RuleAction,
  TradeSide,
  type TradingRule,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { ExecutionModelSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { StartStrategyRunCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import { add, decimal, mul, toText } from '../../../../src/kernel/decimal.ts';
import { runBacktest } from '../../../../src/trading/model/backtest.ts';
import { defaultFillModel, type FillModel } from '../../../../src/trading/model/fills.ts';
import { riskLimitsOf } from '../../../../src/trading/model/risk.ts';
import { bitcoinRows, candlesOf } from '../../../support/bitcoin-candles.ts';
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

type Setup = {
  readonly rules: readonly TradingRule[];
  readonly riskProfile: MessageInitShape<typeof RiskProfileSchema>;
  readonly rows: ReturnType<typeof bitcoinRows>;
  readonly execution?: MessageInitShape<typeof ExecutionModelSchema>;
};

/** Candle by candle through the log: run, signal, reservation, paper venue, settlement. */
async function tradedLive({ rules, riskProfile, rows, execution }: Setup) {
  const world = createSignalWorld(join(folder, `${randomUUID()}.db`));
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
    ...{ userId: 'alice', strategyName: 'Crossover', rules: [...rules], riskProfile },
  });
  const strategyId = accepted(created).aggregateId;
  accepted(await bus.send(ActivateTradingStrategyCommandSchema, { strategyId }));
  accepted(
    await bus.send(StartStrategyRunCommandSchema, {
      ...{ userId: 'alice', strategyId, portfolioId, instrumentId, interval: day },
      ...(execution && { execution }),
    }),
  );
  for (const { start, ...figures } of rows) {
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

/** Both ways, to the last digit: the trades that were made live, and the backtest. */
async function tradedAlike(setup: Setup, model: FillModel = defaultFillModel) {
  const { rules, riskProfile, rows } = setup;
  const backtest = runBacktest(
    {
      ...{ rules, limits: riskLimitsOf(riskProfile as never), model },
      instrument: {
        tickSize: decimal(terms.tickSize),
        lotSize: decimal(terms.lotSize),
        minimumOrderSize: decimal(terms.minimumOrderSize),
      },
      ...{ cash: decimal('10000'), fraction: decimal('1'), from: 0 },
    },
    candlesOf(rows),
  );
  const { trades, unfinished } = await tradedLive(setup);
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
  return { trades, backtest };
}

test.each([
  [{}, 1318, 27],
  [{ maxPositionSize: '0.6' }, 250, 6],
])(
  'a crossover of averages over bitcoin trades live as in the backtest: %j, %d candles',
  async (riskProfile, candleCount, tradeCount) => {
    const rows = bitcoinRows().slice(0, candleCount);
    const { trades, backtest } = await tradedAlike({ rules, riskProfile, rows });
    expect(trades.length).toBe(tradeCount);
    // The equity at every close, from what is in the log.
    let next = 0;
    let [cash, position] = [decimal('10000'), decimal('0')];
    const equity = candlesOf(rows).map(({ start, seconds, close }) => {
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

test('positions are left at their levels live as in the backtest', async () => {
  const trailing = { trailingStopDistance: '0.05', trailingStopOffset: '0.08' };
  const riskProfile = { stopLoss: '0.06', takeProfit: '0.12', ...trailing };
  const rows = bitcoinRows().slice(0, 500);
  const { backtest } = await tradedAlike({ rules, riskProfile, rows });
  const reasons = new Set(backtest.trades.map(({ reason }) => reason));
  const levels = ['STOP_LOSS', 'TAKE_PROFIT', 'TRAILING_STOP'];
  expect([...reasons].sort()).toEqual(['ENTRY_RULE', 'EXIT_RULE', ...levels]);
});

/** Open, high, low, close and volume: a level is reached in a market too thin for all of it. */
const thinRows = [
  ...[row(0, 90, 100), row(1, 100, 110), row(2, 110, 111), row(3, 105, 98, 20)],
  ...Array.from({ length: 9 }, (_, at) => row(4 + at, 97, 97, at === 2 ? 40 : 0)),
  ...[row(13, 101, 101), row(14, 100, 97, 30), row(15, 97, 96)],
];

function row(at: number, open: number, close: number, volume = 100_000) {
  const [high, low] = [Math.max(open, close), Math.min(open, close)];
  const figures = { open: `${open}`, high: `${high}`, low: `${low}`, close: `${close}` };
  return { start: Date.UTC(2024, 0, 1 + at) / 1000, ...figures, volume: `${volume}` };
}

test('what a sale at a level leaves is left later live as in the backtest', async () => {
  const { PRICE } = Indicator;
  const whenOver = [rule([PRICE, 0], Comparator.ABOVE, '109', RuleAction.ENTER_LONG)];
  const rates = { feeRate: '0.001', slippage: '0.0005', participation: '0.5' };
  const { backtest } = await tradedAlike(
    { rules: whenOver, riskProfile: { stopLoss: '0.1' }, rows: thinRows, execution: rates },
    { ...defaultFillModel, participation: decimal('0.5') },
  );
  const sales = backtest.trades.map(({ reason, at }) => [reason, new Date(at * 1000).getUTCDate()]);
  expect(sales).toEqual([
    ...[
      ['ENTRY_RULE', 3],
      ['STOP_LOSS', 5],
      ['STOP_LOSS', 7],
    ],
    ...[
      ['STOP_LOSS', 16],
      ['STOP_LOSS', 16],
    ],
  ]);
});
