import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BacktestService,
  type RunBacktestAnswer,
  type RunBacktestQuery,
} from '../../../../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { CandlesRecordedSchema } from '../../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  CandleInterval,
  Comparator,
  Indicator,
  RuleAction,
} from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, toText } from '../../../../../src/kernel/decimal.ts';
import { isRejection, type Rejection } from '../../../../../src/kernel/rejection.ts';
import { runBacktest } from '../../../../../src/trading/model/backtest.ts';
import { defaultFillModel } from '../../../../../src/trading/model/fills.ts';
import { riskLimitsOf } from '../../../../../src/trading/model/risk.ts';
import { bitcoinCandles, bitcoinRows } from '../../../../support/bitcoin-candles.ts';
import { bob, callOf, uuid } from '../../../../support/query-bus.ts';
import { temporaryFolder } from '../../../../support/temporary.ts';
import { createStory } from '../../../../support/trading-events.ts';
import { startTradingRead, startTradingReadInMemory } from '../../../../support/trading-read.ts';
import { tradingRule as rule } from '../../../../support/trading-rules.ts';

const { SMA } = Indicator;
const strategyId = uuid(1);
const rules = [
  rule([SMA, 20], Comparator.CROSSES_ABOVE, [SMA, 50], RuleAction.ENTER_LONG),
  rule([SMA, 20], Comparator.CROSSES_BELOW, [SMA, 50], RuleAction.EXIT_LONG),
];

function bitcoin(interval: CandleInterval = CandleInterval.CANDLE_INTERVAL_1D, most = 2000) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('ETH-USD');
  story.strategy(strategyId, 'Crossover', { rules, riskProfile: { maxPositionSize: '0.8' } });
  const candles = bitcoinRows()
    .slice(0, most)
    .map(({ start, ...figures }) => ({ start: BigInt(start), ...figures }));
  const message = create(CandlesRecordedSchema, { instrumentId: 'BTC-USD', interval, candles });
  story.append('candles-BTC-USD', message);
  return story;
}

const folder = temporaryFolder();
const engines = ['SQLite', 'memory'] as const;

async function startBus(engine: (typeof engines)[number]) {
  const { events } = bitcoin();
  if (engine === 'SQLite') return startTradingRead(folder, events);
  return { ...startTradingReadInMemory(events), [Symbol.asyncDispose]: async () => {} };
}

type Bus = Awaited<ReturnType<typeof startBus>>;
type Asked = Partial<Omit<RunBacktestQuery, '$typeName' | '$unknown'>>;

async function run({ watch }: Pick<Bus, 'watch'>, more: Asked = {}, call = callOf()) {
  const query = { strategyId, instrumentId: 'BTC-USD', ...more } as never;
  const answers = watch(BacktestService.method.runBacktest, query, call);
  const parts: (RunBacktestAnswer | Rejection)[] = [];
  for (;;) {
    const { done, value } = await answers.next();
    if (done) return parts;
    parts.push(value);
  }
}

function told(parts: readonly (RunBacktestAnswer | Rejection)[]) {
  const messages = parts.map((part) => {
    if (isRejection(part)) throw new Error(`${part.code}: ${part.message}`);
    return part.part;
  });
  const of = <Case extends string>(name: Case) =>
    messages.flatMap((part) => (part.case === name ? [part.value] : [])) as never[];
  type Value<Case> = Extract<RunBacktestAnswer['part'], { case: Case }>['value'];
  const [started] = of('started') as Value<'started'>[];
  const [result] = of('result') as Value<'result'>[];
  return {
    started: started as Value<'started'>,
    result: result as Value<'result'>,
    progress: of('progress') as Value<'progress'>[],
    trades: (of('trades') as Value<'trades'>[]).flatMap(({ trades }) => trades),
    points: (of('equity') as Value<'equity'>[]).flatMap(({ points }) => points),
    cases: messages.map((part) => part.case),
  };
}

describe.each(engines)('A backtest of recorded candles, in %s', (engine) => {
  let bus: Bus;
  beforeAll(async () => {
    bus = await startBus(engine);
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  test('its trades and its equity curve are those of the model', async () => {
    const { started, trades, points, result, cases, progress } = told(await run(bus));
    const expected = runBacktest(
      {
        ...{ rules, limits: riskLimitsOf({ maxPositionSize: '0.8' } as never) },
        model: defaultFillModel,
        instrument: {
          ...{ tickSize: decimal('0.01'), lotSize: decimal('0.00000001') },
          minimumOrderSize: decimal('0'),
        },
        ...{ cash: decimal('10000'), fraction: decimal('1'), from: 0 },
      },
      bitcoinCandles(),
    );
    expect(
      trades.map(({ side, quantity, price, fee, executedAt }) => [
        ...[side, quantity, price, fee, Number(executedAt)],
      ]),
    ).toEqual(
      expected.trades.map(({ side, quantity, price, fee, at }) => [
        ...[side === 'BUY' ? 1 : 2, toText(quantity), toText(price), toText(fee), at],
      ]),
    );
    expect(trades.length).toBeGreaterThan(10);
    expect(points.map(({ start, equity }) => [Number(start), equity])).toEqual(
      expected.points.map(({ start, equity }) => [start, toText(equity)]),
    );
    expect(cases[0]).toBe('started');
    expect(cases.at(-1)).toBe('result');
    expect(progress.length).toBeGreaterThanOrEqual(4);
    expect(started).toMatchObject({
      ...{ strategyName: 'Crossover', currency: 'USD', from: '2014-12-01', to: '2018-08-13' },
      ...{ initialCash: '10000', fraction: '1', warmUpCandles: 52 },
      fills: { feeRate: '0.001', slippage: '0.0005', participation: '', rejectionRate: '0' },
      indicators: [{ indicator: SMA, method: 'MEAN_OF_CLOSES' }],
    });
    expect(result).toMatchObject({
      ...{ startValue: '10000', endValue: points.at(-1)?.equity, candles: 1318n },
      ...{ trades: BigInt(trades.length), annualisationFactor: 365, dailyReturns: 1352 },
    });
  });

  test('the measures rest on the curve', async () => {
    const { points, result, trades } = told(await run(bus));
    const equity = points.map((point) => Number(point.equity));
    const growth = (equity.at(-1) as number) / 10_000 - 1;
    expect(result.timeWeightedReturn?.value).toBeCloseTo(growth, 9);
    let peak = 10_000;
    const falls = equity.map((value) => {
      peak = Math.max(peak, value);
      return value / peak - 1;
    });
    expect(result.maximumDrawdown?.value).toBeCloseTo(Math.min(...falls), 9);
    expect(points.map(({ drawdown }) => drawdown)).toEqual(falls);
    const exits = trades.filter(({ side }) => side === 2);
    expect(result.statistics?.closedTrades).toBe(BigInt(exits.length));
    const held = points.filter(({ position }) => position !== '0').length;
    expect(result.timeInMarket?.value).toBe(held / points.length);
    expect(result.statistics?.winRate?.method).toBe('WINS_OVER_CLOSED_TRADES');
    const [first, last] = [bitcoinRows()[0], bitcoinRows().at(-1)];
    expect(result.buyAndHoldReturn?.value).toBeCloseTo(
      Number(last?.close) / Number(first?.open) - 1,
      9,
    );
  });

  test('a period has the candles before it to warm up with', async () => {
    const { points, started, trades } = told(
      await run(bus, { from: '2016-01-01', to: '2016-12-31' }),
    );
    expect([started.from, started.to, points.length]).toEqual(['2016-01-01', '2016-12-31', 366]);
    const whole = told(await run(bus)).trades.filter(({ executedAt, side }) => {
      const day = new Date(Number(executedAt) * 1000).toISOString();
      return day.startsWith('2016') && side === 1;
    });
    // What is entered within the year is entered on the same days, warm from the first one on.
    const entries = trades.filter(({ side }) => side === 1).map(({ executedAt }) => executedAt);
    for (const { executedAt } of whole) expect(entries).toContain(executedAt);
    expect(whole.length).toBeGreaterThan(1);
  });

  test('the same question has the same answer, byte for byte', async () => {
    const fills = { rejectionRate: '0.3', seed: 'a', participation: '0.001' } as never;
    const text = async () =>
      JSON.stringify(await run(bus, { fills }), (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      );
    expect(await text()).toBe(await text());
  });

  test.each([
    [{ instrumentId: 'DOGE-USD' }, 'INSTRUMENT_NOT_FOUND'],
    [{ instrumentId: 'ETH-USD' }, 'NO_CANDLES'],
    [{ interval: CandleInterval.CANDLE_INTERVAL_1H }, 'NO_CANDLES'],
    [{ from: '2019-01-01' }, 'NO_CANDLES'],
    [{ from: '2016-02-30' }, 'PERIOD_INVALID'],
    [{ from: '2016-02-02', to: '2016-02-01' }, 'PERIOD_INVALID'],
    [{ initialCash: '0' }, 'INITIAL_CASH_INVALID'],
    [{ fraction: '0' }, 'FRACTION_INVALID'],
    [{ fraction: '1.5' }, 'VALIDATION_FAILED'],
    [{ strategyId: uuid(9) }, 'STRATEGY_NOT_FOUND'],
  ] as [Asked, string][])('%j is refused: %s', async (asked, code) => {
    const [first, ...more] = await run(bus, asked);
    expect([(first as Rejection).code, more]).toEqual([code, []]);
  });

  test('a strategy of somebody else is not there', async () => {
    const [first] = await run(bus, {}, callOf(bob));
    expect((first as Rejection).code).toBe('STRATEGY_NOT_FOUND');
  });
});

test('more candles than a run may take are refused before one is read', async () => {
  const story = bitcoin(CandleInterval.CANDLE_INTERVAL_1M, 400);
  const bus = startTradingReadInMemory(story.events);
  const interval = CandleInterval.CANDLE_INTERVAL_1M;
  const [first, ...more] = await run(bus, { interval });
  expect([(first as Rejection).code, more]).toEqual(['BACKTEST_TOO_LONG', []]);
});
