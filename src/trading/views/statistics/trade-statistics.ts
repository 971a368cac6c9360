import { add, compare, decimal, isPositive, toNumber, zero } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import {
  type Measure,
  measureOf,
  type UndefinedReason,
  undefinedMeasure,
} from '../measures/measure.ts';
import { tradeMethod as method } from './method.ts';
import { outcomeOf } from './outcome.ts';
import type { ClosedTrade } from './round-trips.ts';
import { streaksOf } from './streaks.ts';

/** What the statistics rest on. */
export type CountedTrade = Pick<ClosedTrade, 'gain' | 'cost' | 'exitedAt' | 'heldMs'>;

export type TradeStatistics = ReturnType<typeof tradeStatisticsOf>;

/** Of those that a measure is a mean of, or why there is none. */
type Some = { readonly trades: readonly CountedTrade[]; readonly none: UndefinedReason };

/**
 * Statistics of closed trades, given in the order of their ends. A trade with no gain and no loss is
 * a draw: it counts as a closed trade, and is neither won nor lost. Sums are decimal texts, exact;
 * what is divided is a double.
 */
export function tradeStatisticsOf(trades: readonly CountedTrade[]) {
  const won = trades.filter(({ gain }) => outcomeOf(gain) === 'WIN');
  const lost = trades.filter(({ gain }) => outcomeOf(gain) === 'LOSS');
  const [profit, loss] = [sumOf(won), sumOf(lost)];
  const all: Some = { trades, none: 'NO_TRADES' };
  const wins: Some = { trades: won, none: trades.length === 0 ? 'NO_TRADES' : 'NO_WINS' };
  const losses: Some = { trades: lost, none: trades.length === 0 ? 'NO_TRADES' : 'NO_LOSSES' };
  const [meanWin, meanLoss] = [toNumber(profit) / won.length, toNumber(loss) / lost.length];
  return {
    closedTrades: trades.length,
    wins: won.length,
    losses: lost.length,
    draws: trades.length - won.length - lost.length,
    grossProfit: amountText(profit),
    grossLoss: amountText(loss),
    netGain: amountText(add(profit, loss)),
    largestWin: largestOf(won, 1),
    largestLoss: largestOf(lost, -1),
    winRate: measured(method.winRate, [all], () => won.length / trades.length),
    profitFactor: measured(method.profitFactor, [losses], () => toNumber(profit) / -toNumber(loss)),
    expectancy: measured(
      method.expectancy,
      [all],
      () => toNumber(add(profit, loss)) / trades.length,
    ),
    averageWin: measured(method.averageWin, [wins], () => meanWin),
    averageLoss: measured(method.averageLoss, [losses], () => meanLoss),
    payoffRatio: measured(method.payoffRatio, [losses, wins], () => meanWin / -meanLoss),
    meanReturn: meanReturnOf(all),
    ...holdingOf(all, wins, losses),
    ...streaksOf(trades),
  };
}

function measured(name: string, over: readonly Some[], value: () => number): Measure {
  const missing = over.find(({ trades }) => trades.length === 0);
  return missing === undefined ? measureOf(name, value()) : undefinedMeasure(name, missing.none);
}

function sumOf(trades: readonly CountedTrade[]) {
  return trades.reduce((sum, { gain }) => add(sum, decimal(gain)), zero);
}

/** A decimal text, absent where there are none. */
function largestOf(trades: readonly CountedTrade[], sign: 1 | -1): string | undefined {
  let largest: string | undefined;
  for (const { gain } of trades) {
    if (largest === undefined || compare(decimal(gain), decimal(largest)) === sign) largest = gain;
  }
  return largest;
}

/** Undefined where one of the trades cost nothing: there is nothing to relate its gain to. */
function meanReturnOf(all: Some): Measure {
  const { trades } = all;
  if (trades.some(({ cost }) => !isPositive(decimal(cost)))) {
    return undefinedMeasure(method.meanReturn, 'NO_CAPITAL');
  }
  return measured(method.meanReturn, [all], () =>
    mean(trades.map(({ gain, cost }) => Number(gain) / Number(cost))),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function holdingOf(all: Some, wins: Some, losses: Some) {
  const seconds = ({ trades }: Some) => trades.map(({ heldMs }) => heldMs / 1000);
  const sorted = seconds(all).sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return {
    meanHolding: measured(method.meanHolding, [all], () => mean(sorted)),
    medianHolding: measured(
      method.medianHolding,
      [all],
      () => (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    ),
    shortestHolding: measured(method.shortestHolding, [all], () => at(0)),
    longestHolding: measured(method.longestHolding, [all], () => at(sorted.length - 1)),
    meanHoldingOfWins: measured(method.meanHoldingOfWins, [wins], () => mean(seconds(wins))),
    meanHoldingOfLosses: measured(method.meanHoldingOfLosses, [losses], () =>
      mean(seconds(losses)),
    ),
  };
}
