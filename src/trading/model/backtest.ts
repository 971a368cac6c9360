import type { TradingRule } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Decimal, isPositive, max, toNumber, zero } from '../../kernel/decimal.ts';
import {
  type Account,
  type BacktestTrade,
  booked,
  equityOf,
  isFlat,
  openAccount,
  withBest,
} from './backtest-account.ts';
import {
  exitBy,
  type PlacedOrder,
  type Watched,
  type Worked,
  watchedOf,
  work,
} from './backtest-orders.ts';
import { exitGoodForCandles } from './exit-levels.ts';
import { afterFills, type FillCandle, type FillModel, type FillRules } from './fills.ts';
import { isCoolingDown, isDrawnDown, type RiskLimits } from './risk.ts';
import { createRuleEvaluator } from './rules.ts';
import { entryBudget, entryQuantity } from './sizing.ts';

// A strategy over recorded candles, one position at a time. What the rules say at the close of a
// candle becomes an order, which the next candles fill. Nothing looks ahead: an order is decided from
// candles that were closed when it was placed.

/** As of a signal. */
export const defaultGoodForCandles = 5;

export type BacktestSetup = {
  readonly rules: readonly TradingRule[];
  readonly limits: RiskLimits;
  readonly model: FillModel;
  readonly instrument: FillRules;
  readonly cash: Decimal;
  /** Of the equity, for each entry; over 0 and up to 1. */
  readonly fraction: Decimal;
  /** How many candles an order of the rules waits for fills, those of the delay beside. */
  readonly goodForCandles?: number;
  /** Start of the first candle that trades, in seconds since 1970: those before warm up. */
  readonly from: number;
};

/** What there was at the close of a candle. */
export type EquityPoint = {
  readonly start: number;
  readonly close: Decimal;
  readonly equity: Decimal;
  readonly cash: Decimal;
  readonly position: Decimal;
};

export type BacktestStep = {
  readonly trades: readonly BacktestTrade[];
  /** Undefined for a candle that only warms up. */
  readonly point: EquityPoint | undefined;
};

export type BacktestCounts = {
  readonly candles: number;
  /** Entries that the rules asked for while nothing was held, and exits while something was. */
  readonly entrySignals: number;
  readonly exitSignals: number;
  /** Entries that the risk profile did not let through, by reason. */
  readonly blocked: { readonly COOLDOWN: number; readonly MAX_DRAWDOWN: number };
  /** Entries that were too small for an order, refused by the venue, or not paid for. */
  readonly unfilled: number;
};

/** Changed in place: takes the candles of one series in their order. */
export type Backtest = {
  readonly next: (candle: FillCandle) => BacktestStep;
  readonly counts: () => BacktestCounts;
};

export function createBacktest(setup: BacktestSetup): Backtest {
  const { limits, from } = setup;
  const market = { model: setup.model, rules: setup.instrument };
  const evaluator = createRuleEvaluator(setup.rules);
  const goodFor = setup.goodForCandles ?? defaultGoodForCandles;
  const counts = { candles: 0, entrySignals: 0, exitSignals: 0, unfilled: 0 };
  const blocked = { COOLDOWN: 0, MAX_DRAWDOWN: 0 };
  let account: Account = openAccount(setup.cash);
  let peak = setup.cash;
  let entry: PlacedOrder | undefined;
  let exit: PlacedOrder | undefined;
  /** A sale at a level; while it is under way, no other one is watched. */
  let leaving: PlacedOrder | undefined;
  let watched: Watched | undefined;
  let orders = 0;
  let trades = 0;

  const nextId = () => {
    orders += 1;
    return `order-${orders}`;
  };

  const bookAll = ({ placed: { order, reason }, outcome }: Worked): BacktestTrade[] =>
    outcome.fills.map((fill) => {
      account = booked(account, order.side, fill);
      trades += 1;
      const { cash, position } = account;
      return { ...fill, number: trades, side: order.side, reason, cash, position };
    });

  /** What is left of an order that a candle was at, unless its candles are over. */
  const rest = (
    { placed, outcome }: Worked,
    { start, seconds }: FillCandle,
    candles = goodFor,
  ): PlacedOrder | undefined => {
    const last = placed.order.placedAfter + (candles + setup.model.delayCandles) * seconds;
    const isOpen = outcome.status === 'OPEN' || outcome.status === 'WAITING';
    return isOpen && start < last
      ? { ...placed, order: afterFills(placed.order, outcome) }
      : undefined;
  };

  const fill = (candle: FillCandle): BacktestTrade[] => {
    const done: BacktestTrade[] = [];
    if (entry !== undefined) {
      const worked = work(entry, candle, account, market);
      done.push(...bookAll(worked));
      entry = rest(worked, candle);
      if (entry === undefined && isFlat(account)) counts.unfilled += 1;
    }
    // What the rules sell is reserved until its order is over.
    const isSelling = exit !== undefined;
    if (exit !== undefined && !isFlat(account)) {
      const worked = work(exit, candle, account, market);
      done.push(...bookAll(worked));
      // A refused exit is asked for again.
      const isRefused = worked.outcome.status === 'REJECTED';
      exit = isRefused ? sellAll(candle.start) : rest(worked, candle);
    }
    if (!isFlat(account) && !isSelling) {
      leaving ??= watched && exitBy(candle, watched, market, nextId);
    }
    if (!isFlat(account) && leaving !== undefined) {
      const worked = work(leaving, candle, account, market);
      done.push(...bookAll(worked));
      // One that is over, and has left something, is followed by another at the next level reached.
      leaving = rest(worked, candle, exitGoodForCandles);
      if (worked.outcome.fills.length > 0) entry = undefined;
    }
    if (isFlat(account)) {
      exit = undefined;
      leaving = undefined;
    }
    return done;
  };

  const sellAll = (placedAfter: number): PlacedOrder => {
    const { position: quantity } = account;
    const sale = { id: nextId(), side: 'SELL' as const, quantity, filled: zero, spent: zero };
    return { order: { ...sale, placedAfter }, reason: 'EXIT_RULE' };
  };

  const enter = (candle: FillCandle, equity: Decimal): PlacedOrder | undefined => {
    counts.entrySignals += 1;
    if (isCoolingDown(limits, account.exitedAt, candle.start + candle.seconds)) {
      blocked.COOLDOWN += 1;
      return undefined;
    }
    if (isDrawnDown(limits, equity, peak)) {
      blocked.MAX_DRAWDOWN += 1;
      return undefined;
    }
    const { cash } = account;
    const { maxPositionSize } = limits;
    const budget = entryBudget({ equity, cash, fraction: setup.fraction, maxPositionSize });
    const quantity = isPositive(budget)
      ? entryQuantity(budget, candle.close, setup.instrument.lotSize)
      : zero;
    if (!isPositive(quantity)) {
      counts.unfilled += 1;
      return undefined;
    }
    const order = { id: nextId(), side: 'BUY' as const, quantity, budget, filled: zero };
    return { order: { ...order, spent: zero, placedAfter: candle.start }, reason: 'ENTRY_RULE' };
  };

  return {
    next: (candle) => {
      const isTrading = candle.start >= from;
      const done = isTrading ? fill(candle) : [];
      account = withBest(account, candle.high);
      watched = watchedOf(account, limits);
      const advice = evaluator.next({
        close: toNumber(candle.close),
        volume: toNumber(candle.volume),
      });
      if (!isTrading) return { trades: done, point: undefined };
      counts.candles += 1;
      const equity = equityOf(account, candle.close);
      peak = max(peak, equity);
      if (advice.exit) {
        entry = undefined;
        if (!isFlat(account) && exit === undefined && leaving === undefined) {
          counts.exitSignals += 1;
          exit = sellAll(candle.start);
        }
      } else if (advice.enter && isFlat(account) && entry === undefined) {
        entry = enter(candle, equity);
      }
      const { cash, position } = account;
      const point = { start: candle.start, close: candle.close, equity, cash, position };
      return { trades: done, point };
    },
    counts: () => ({ ...counts, blocked: { ...blocked } }),
  };
}

/** All of a backtest whose candles are at hand. */
export function runBacktest(setup: BacktestSetup, candles: Iterable<FillCandle>) {
  const backtest = createBacktest(setup);
  const trades: BacktestTrade[] = [];
  const points: EquityPoint[] = [];
  for (const candle of candles) {
    const step = backtest.next(candle);
    trades.push(...step.trades);
    if (step.point !== undefined) points.push(step.point);
  }
  return { trades, points, counts: backtest.counts() };
}
