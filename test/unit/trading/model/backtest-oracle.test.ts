import { expect, test } from '@jest/globals';
import {
  Comparator,
  Indicator,
  RuleAction,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, toNumber, zero } from '../../../../src/kernel/decimal.ts';
import { runBacktest } from '../../../../src/trading/model/backtest.ts';
import { riskLimitsOf } from '../../../../src/trading/model/risk.ts';
import { bitcoinCandles, bitcoinRows } from '../../../support/bitcoin-candles.ts';
import { tradingRule as rule } from '../../../support/trading-rules.ts';

const rows = bitcoinRows();

type Traded = { start: number; side: string; quantity: number; price: number };

/** Written from the definition alone, in integers of cents and of 0.0001 bitcoin. */
function crossover(fast: number, slow: number, fee: number) {
  const close = rows.map((row) => Number(row.close));
  const mean = (at: number, n: number) => {
    let sum = 0;
    for (let i = at - n + 1; i <= at; i += 1) sum += close[i] as number;
    return sum / n;
  };
  const trades: Traded[] = [];
  const equity: number[] = [];
  let cash = 10_000;
  let held = 0;
  let wanted = 0;
  for (const [at, row] of rows.entries()) {
    const open = Math.round(Number(row.open) * 100) / 100;
    const { start } = row;
    if (wanted > 0) {
      const before = Math.floor((wanted / (close[at - 1] as number)) * 10_000 + 1e-9);
      const paid = Math.floor((wanted / (open * (1 + fee))) * 10_000 + 1e-9);
      held = Math.min(before, paid) / 10_000;
      cash -= held * open * (1 + fee);
      trades.push({ start, side: 'BUY', quantity: held, price: open });
    } else if (wanted < 0) {
      trades.push({ start, side: 'SELL', quantity: held, price: open });
      cash += held * open * (1 - fee);
      held = 0;
    }
    wanted = 0;
    equity.push(cash + held * (close[at] as number));
    if (at < slow) continue;
    const [now, last] = [mean(at, fast) - mean(at, slow), mean(at - 1, fast) - mean(at - 1, slow)];
    if (now > 0 && last <= 0 && held === 0) wanted = cash;
    if (now < 0 && last >= 0 && held > 0) wanted = -1;
  }
  return { trades, equity };
}

test.each([
  [10, 30, 0.001],
  [20, 50, 0.0025],
  [5, 100, 0],
])('a crossover of %d and %d days over bitcoin is what a few lines say', (fast, slow, fee) => {
  const { SMA } = Indicator;
  const { trades, points } = runBacktest(
    {
      rules: [
        rule([SMA, fast], Comparator.CROSSES_ABOVE, [SMA, slow], RuleAction.ENTER_LONG),
        rule([SMA, fast], Comparator.CROSSES_BELOW, [SMA, slow], RuleAction.EXIT_LONG),
      ],
      limits: riskLimitsOf(undefined),
      model: {
        ...{ feeRate: decimal(String(fee)), slippage: zero, delayCandles: 0 },
        ...{ rejectionRate: zero, seed: '' },
      },
      instrument: {
        ...{ tickSize: decimal('0.01'), lotSize: decimal('0.0001') },
        minimumOrderSize: zero,
      },
      cash: decimal('10000'),
      fraction: decimal('1'),
      from: 0,
    },
    bitcoinCandles(),
  );
  const expected = crossover(fast, slow, fee);
  expect(
    trades.map(({ at, side, quantity, price }) => ({
      start: at,
      side,
      quantity: toNumber(quantity),
      price: toNumber(price),
    })),
  ).toEqual(expected.trades);
  expect(expected.trades.length).toBeGreaterThan(8);
  for (const [at, { equity }] of points.entries()) {
    expect(Math.abs(toNumber(equity) / (expected.equity[at] as number) - 1)).toBeLessThan(1e-9);
  }
});
