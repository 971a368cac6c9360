import { describe, expect, test } from '@jest/globals';
import {
  Comparator,
  Indicator,
  RuleAction,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, toText, zero } from '../../../../src/kernel/decimal.ts';
import {
  type BacktestSetup,
  createBacktest,
  runBacktest,
} from '../../../../src/trading/model/backtest.ts';
import { uniformOf } from '../../../../src/trading/model/chance.ts';
import type { FillCandle } from '../../../../src/trading/model/fills.ts';
import { riskLimitsOf } from '../../../../src/trading/model/risk.ts';
import { tradingRule as rule } from '../../../support/trading-rules.ts';

const day = 86_400;
const { PRICE } = Indicator;

/** Open, high, low, close; by default all are the close of the candle before, and its own. */
type Row = number | readonly [open: number, high: number, low: number, close: number];

function candlesOf(rows: readonly Row[]): FillCandle[] {
  let before: number | undefined;
  return rows.map((row, at) => {
    const close = typeof row === 'number' ? row : row[3];
    const open = typeof row === 'number' ? (before ?? row) : row[0];
    const [high, low] =
      typeof row === 'number' ? [Math.max(open, close), Math.min(open, close)] : [row[1], row[2]];
    before = close;
    const [o, h, l, c] = [open, high, low, close].map((price) => decimal(String(price)));
    return {
      start: at * day,
      seconds: day,
      open: o,
      high: h,
      low: l,
      close: c,
      volume: zero,
    } as FillCandle;
  });
}

const setup = (over: Partial<BacktestSetup> = {}): BacktestSetup => ({
  rules: [
    rule([PRICE, 0], Comparator.ABOVE, '100', RuleAction.ENTER_LONG),
    rule([PRICE, 0], Comparator.BELOW, '90', RuleAction.EXIT_LONG),
  ],
  limits: riskLimitsOf(undefined),
  model: {
    ...{ feeRate: decimal('0.01'), slippage: zero, delayCandles: 0 },
    ...{ rejectionRate: zero, seed: '' },
  },
  instrument: { tickSize: decimal('0.01'), lotSize: decimal('0.1'), minimumOrderSize: zero },
  cash: decimal('1000'),
  fraction: decimal('0.5'),
  from: 0,
  ...over,
});

const limits = (profile: object) =>
  riskLimitsOf({ ...profile } as Parameters<typeof riskLimitsOf>[0]);

const run = (rows: readonly Row[], over: Partial<BacktestSetup> = {}) => {
  const { trades, points, counts } = runBacktest(setup(over), candlesOf(rows));
  return {
    trades: trades.map(
      ({ side, quantity, price, fee, at, reason }) =>
        `${at / day} ${side} ${toText(quantity)} at ${toText(price)} fee ${toText(fee)} ${reason}`,
    ),
    equity: points.map(({ equity }) => toText(equity)),
    counts,
  };
};

describe('A backtest', () => {
  test('enters and leaves at the opening behind the signal, by hand', () => {
    // At 110 for half of 1000: 4.5 lots fit into 500, cost 495 and 4.95. At 80: 360 less 3.6.
    expect(run([100, 110, 120, 80, 85])).toMatchObject({
      trades: ['2 BUY 4.5 at 110 fee 4.95 ENTRY_RULE', '4 SELL 4.5 at 80 fee 3.6 EXIT_RULE'],
      equity: ['1000', '1000', '1040.05', '860.05', '856.45'],
      counts: { candles: 5, entrySignals: 1, exitSignals: 1, unfilled: 0 },
    });
  });

  test('never spends more than its fraction, whatever the opening', () => {
    // The opening is 120 instead of 110: 4.1 lots come to 492 and 4.92.
    const rows: Row[] = [100, 110, [120, 120, 120, 120], 120];
    expect(run(rows).trades).toEqual(['2 BUY 4.1 at 120 fee 4.92 ENTRY_RULE']);
    expect(run(rows, { limits: limits({ maxPositionSize: '0.1' }) }).trades).toEqual([
      '2 BUY 0.8 at 120 fee 0.96 ENTRY_RULE',
    ]);
  });

  test('candles before the first that trades warm the indicators up', () => {
    const { trades, equity } = run([100, 110, 120, 130, 140], { from: 3 * day });
    expect(trades).toEqual(['4 BUY 3.8 at 130 fee 4.94 ENTRY_RULE']);
    expect(equity.length).toBe(2);
  });

  test('a stop loss sells at the stop, or at an opening beyond it, from the next candle on', () => {
    const stopped = { limits: limits({ stopLoss: '0.1' }) };
    // The stop is at 99; the candle of the entry itself goes under it, and does not count.
    const rows: Row[] = [100, 110, [110, 110, 95, 105], [105, 106, 98, 99], 95];
    expect(run(rows, stopped).trades).toEqual([
      '2 BUY 4.5 at 110 fee 4.95 ENTRY_RULE',
      '4 SELL 4.5 at 99 fee 4.455 STOP_LOSS',
    ]);
    const gap: Row[] = [100, 110, 105, [97, 98, 96, 96], 95];
    expect(run(gap, stopped).trades[1]).toBe('3 SELL 4.5 at 97 fee 4.365 STOP_LOSS');
  });

  test('of stop and take profit in one candle the stop counts, but for the opening', () => {
    const both = { limits: limits({ stopLoss: '0.1', takeProfit: '0.2' }) };
    const entry: Row[] = [100, 110, 110];
    expect(run([...entry, [110, 140, 90, 110]], both).trades[1]).toBe(
      '4 SELL 4.5 at 99 fee 4.455 STOP_LOSS',
    );
    expect(run([...entry, [110, 140, 100, 110]], both).trades[1]).toBe(
      '4 SELL 4.5 at 132 fee 5.94 TAKE_PROFIT',
    );
    expect(run([...entry, [135, 140, 90, 110]], both).trades[1]).toBe(
      '3 SELL 4.5 at 135 fee 6.075 TAKE_PROFIT',
    );
  });

  test('a trailing stop follows the highest price, once it has gained its offset', () => {
    const trailing = limits({ trailingStopDistance: '0.1', trailingStopOffset: '0.2' });
    const rows: Row[] = [
      100,
      110,
      [110, 125, 108, 120],
      [120, 140, 100, 130],
      [130, 131, 120, 125],
    ];
    // Until the 140 of the fourth candle nothing follows; 126 from then on.
    expect(run(rows, { limits: trailing }).trades).toEqual([
      '2 BUY 4.5 at 110 fee 4.95 ENTRY_RULE',
      '5 SELL 4.5 at 126 fee 5.67 TRAILING_STOP',
    ]);
  });

  test('a sale at a level that the venue refuses is asked for again, at the level', () => {
    // Three orders: the entry, and the sale twice.
    const isRefused = (seed: number, id: string) => uniformOf(`${seed} ${id}`) < 0.5;
    const wanted = [false, true, false];
    const seed = Array.from({ length: 1000 }, (_, one) => one).find((one) =>
      wanted.every((refused, at) => isRefused(one, `order-${at + 1}`) === refused),
    );
    const chance = { rejectionRate: decimal('0.5'), seed: String(seed) };
    const over = { model: { ...setup().model, ...chance }, limits: limits({ stopLoss: '0.1' }) };
    const rows: Row[] = [100, 110, 110, [105, 106, 98, 104], [104, 104, 100, 103]];
    expect(run(rows, over).trades).toEqual(['2 BUY 4.5 at 110 fee 4.95 ENTRY_RULE']);
    expect(run([...rows, [103, 103, 98, 98]], over).trades[1]).toBe(
      '6 SELL 4.5 at 99 fee 4.455 STOP_LOSS',
    );
  });

  test('what a sale at a level leaves in a thin market is sold at the next candle at it', () => {
    const model = { ...setup().model, participation: decimal('0.5') };
    const over = { model, limits: limits({ stopLoss: '0.1', takeProfit: '0.5' }) };
    const none = [[101, 101, 100, 101], 0] as const;
    const rows: readonly (readonly [Row, number])[] = [
      ...[[100, 100] as const, [110, 100] as const, [110, 100] as const],
      [[105, 106, 98, 101], 4] as const,
      // Neither the high nor what is over the stop counts, while the sale is under way.
      ...[[[101, 200, 100, 101], 0] as const, ...Array.from({ length: 8 }, () => none)],
      ...[[[101, 101, 100, 101], 100] as const, [[101, 101, 99, 101], 100] as const],
    ];
    const candles = candlesOf(rows.map(([row]) => row)).map((one, at) => ({
      ...one,
      volume: decimal(String(rows[at]?.[1])),
    }));
    const { trades } = runBacktest(setup(over), candles);
    expect(
      trades.map(({ side, at, quantity, price }) => [
        side,
        at / day,
        ...[quantity, price].map(toText),
      ]),
    ).toEqual([
      ['BUY', 2, '4.5', '110'],
      ['SELL', 4, '2', '99'],
      ['SELL', 15, '2.5', '99'],
    ]);
  });

  test('what the rules are selling is sold at no level', () => {
    const model = { ...setup().model, participation: decimal('0.5') };
    const rows: readonly (readonly [Row, number])[] = [
      ...[[100, 100] as const, [110, 100] as const, [110, 100] as const, [89, 100] as const],
      // The stop is at 88: 2 of 4.5 are sold by the rule, which has reserved all.
      ...[[[89, 89, 80, 89], 4] as const, [[95, 95, 95, 95], 100] as const],
    ];
    const candles = candlesOf(rows.map(([row]) => row)).map((one, at) => ({
      ...one,
      volume: decimal(String(rows[at]?.[1])),
    }));
    const { trades } = runBacktest(setup({ model, limits: limits({ stopLoss: '0.2' }) }), candles);
    expect(trades.map(({ reason, at, price }) => `${reason} ${at / day} ${toText(price)}`)).toEqual(
      ['ENTRY_RULE 2 110', 'EXIT_RULE 4 89', 'EXIT_RULE 5 95'],
    );
  });

  test('levels are watched from the candle behind the entry on, whatever the delay', () => {
    const over = { model: { ...setup().model, delayCandles: 1 } };
    const rows: Row[] = [100, 110, 110, 110, [105, 106, 98, 99]];
    const { trades } = run(rows, { ...over, limits: limits({ stopLoss: '0.1' }) });
    expect(trades).toEqual([
      '3 BUY 4.5 at 110 fee 4.95 ENTRY_RULE',
      '5 SELL 4.5 at 99 fee 4.455 STOP_LOSS',
    ]);
  });

  test('the cooldown and the drawdown block entries', () => {
    const rows = [100, 110, 80, 110, 120, 130, 140];
    const cooled = run(rows, { limits: limits({ cooldownSeconds: 3 * day }) });
    // The exit was at the start of day 3: entries are blocked until the end of day 5.
    expect(cooled.trades.map((trade) => trade.slice(0, 5))).toEqual(['2 BUY', '3 SEL', '6 BUY']);
    expect(cooled.counts).toMatchObject({ entrySignals: 4, blocked: { COOLDOWN: 2 } });
    const halted = run(rows, { limits: limits({ maxDrawdown: '0.1' }) });
    expect(halted.trades.length).toBe(2);
    expect(halted.counts.blocked.MAX_DRAWDOWN).toBeGreaterThan(0);
  });

  test('orders may wait, be filled in parts, and be refused', () => {
    const model = { ...setup().model, delayCandles: 1 };
    expect(run([100, 110, 120, 130], { model }).trades).toEqual([
      '3 BUY 4.1 at 120 fee 4.92 ENTRY_RULE',
    ]);
    const refusing = { ...setup().model, rejectionRate: decimal('1') };
    const { trades, counts } = run([100, 110, 120, 130], { model: refusing });
    expect([trades, counts.unfilled]).toEqual([[], 2]);
  });

  test('an order that its candles do not fill is over, with what it has got', () => {
    const model = { ...setup().model, participation: decimal('0.01') };
    const thin = (rows: readonly Row[]) =>
      candlesOf(rows).map((candle) => ({ ...candle, volume: decimal('100') }));
    const over = { model, goodForCandles: 2, fraction: decimal('1') };
    const { trades } = runBacktest(
      setup(over),
      thin([100, 110, 110, 110, 110, 110, 80, 80, 80, 80]),
    );
    // A lot of 1 in each candle: two are bought, and both are sold again.
    expect(trades.map(({ side, at, quantity }) => [side, at / day, toText(quantity)])).toEqual([
      ...[
        ['BUY', 2, '1'],
        ['BUY', 3, '1'],
        ['SELL', 7, '1'],
        ['SELL', 8, '1'],
      ],
    ]);
  });

  test('cash and position add up from the trades, and no digit differs in a second run', () => {
    const closes = Array.from({ length: 1500 }, (_, at) =>
      Number((100 + 15 * Math.sin(at / 7) + 7 * Math.sin(at * 3)).toFixed(2)),
    );
    const model = {
      ...{ feeRate: decimal('0.001'), slippage: decimal('0.0007'), delayCandles: 1 },
      ...{ rejectionRate: decimal('0.2'), seed: 'x', participation: decimal('0.01') },
    };
    const volume = (at: number) => decimal(String(50 + (at % 13) * 20));
    const candles = candlesOf(closes).map((one, at) => ({ ...one, volume: volume(at) }));
    const over = { model, fraction: decimal('1'), limits: limits({ stopLoss: '0.05' }) };
    const first = runBacktest(setup(over), candles);
    let cash = 1000;
    let position = 0;
    for (const trade of first.trades) {
      const sign = trade.side === 'BUY' ? 1 : -1;
      const [quantity, price, fee] = [trade.quantity, trade.price, trade.fee].map((value) =>
        Number(toText(value)),
      ) as [number, number, number];
      cash -= sign * quantity * price + fee;
      position += sign * quantity;
      expect(Number(toText(trade.cash))).toBeCloseTo(cash, 6);
      expect(Number(toText(trade.position))).toBeCloseTo(position, 6);
      expect(cash).toBeGreaterThanOrEqual(0);
      expect(position).toBeGreaterThan(-1e-9);
    }
    expect(first.trades.length).toBeGreaterThan(100);
    const again = runBacktest(setup(over), candles);
    const text = (result: typeof first) =>
      JSON.stringify(result, (_, value) =>
        value?.c && value?.e !== undefined ? toText(value) : value,
      );
    expect(text(again)).toBe(text(first));
  });

  test('a candle changes nothing that was before it', () => {
    const closes = Array.from({ length: 300 }, (_, at) => 100 + Math.round(20 * Math.sin(at)));
    const whole = runBacktest(setup(), candlesOf(closes));
    const backtest = createBacktest(setup());
    const part = candlesOf(closes.slice(0, 150)).map((one) => backtest.next(one).point);
    expect(part.map((point) => point && toText(point.equity))).toEqual(
      whole.points.slice(0, 150).map(({ equity }) => toText(equity)),
    );
  });
});
