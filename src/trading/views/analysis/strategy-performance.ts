import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StrategyPerformanceSchema } from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { zero } from '../../../kernel/decimal.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import type { Reader } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dailyCloses } from '../candles/daily-closes.ts';
import { dayText } from '../days.ts';
import { instruments } from '../instruments/instruments.ts';
import { method as measureMethod } from '../measures/measure.ts';
import { measuredOf } from '../performance/measured.ts';
import { knownPeriod, type Period } from '../performance/period.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { type PositionDocument, positions } from '../portfolios/positions.ts';
import { strategies } from '../strategies/strategies.ts';
import { trades } from '../trades/trades.ts';
import { ownTrades, readAccounts } from './read-strategy.ts';
import { dayStep, wholeOf } from './returns.ts';

/** What the performance of a strategy rests on. */
export const strategyViews = [strategies, positions, trades, dailyCloses, instruments];

/** Every answer names how trades are an account. */
const accountMethod = 'OWN_TRADES_PURCHASES_PAID_IN_PROCEEDS_TAKEN_OUT';

export type AskedPerformance = {
  readonly period: Partial<Period>;
  /** Per year, as a fraction. */
  readonly riskFreeRate: number;
  /** Returns in a year; 0 for that of the assets held. */
  readonly annualisationFactor: number;
};

export type StrategyPerformance = MessageInitShape<typeof StrategyPerformanceSchema>;

/**
 * The performance of a strategy in each currency, by currency.
 *
 * held: the positions that its trades are in, of its user
 */
export async function strategyPerformance(
  reader: Reader,
  strategyId: string,
  held: readonly PositionDocument[],
  asked: AskedPerformance,
): Promise<readonly StrategyPerformance[] | Rejection> {
  const performance: StrategyPerformance[] = [];
  const byCurrency = Map.groupBy(held, ({ quoteCurrency }) => quoteCurrency);
  for (const [currency, own] of [...byCurrency].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const measured = await inCurrency(reader, strategyId, own, asked);
    if (isRejection(measured)) return measured;
    if (measured !== undefined) performance.push({ currency, ...measured });
  }
  return performance;
}

/** Undefined where no trade names the strategy. */
async function inCurrency(
  reader: Reader,
  strategyId: string,
  held: readonly PositionDocument[],
  { period: asked, ...more }: AskedPerformance,
): Promise<StrategyPerformance | Rejection | undefined> {
  const { accounts, history } = await readAccounts(reader, strategyId, held);
  if (history === undefined) return undefined;
  const { known } = history;
  const period = knownPeriod(asked, { from: known.from + 1, to: known.to });
  if (isRejection(period)) return period;
  const start = Math.max(period.from - 1, known.from);
  const valuations = await readValuations(reader, history, { from: start, to: period.to });
  const whole = wholeOf(valuations.days.map(dayStep), measureMethod.timeWeightedReturn);
  return {
    from: dayText(period.from),
    to: dayText(period.to),
    portfolios: new Set(held.map(({ portfolioId }) => portfolioId)).size,
    trades: BigInt(ownTrades(accounts, period)),
    startValue: amountText(whole?.startValue ?? zero),
    endValue: amountText(whole?.endValue ?? zero),
    paidIn: amountText(whole?.deposits ?? zero),
    takenOut: amountText(whole?.withdrawals ?? zero),
    gain: amountText(whole?.profit ?? zero),
    ...measuredOf(valuations, more),
    accountMethod,
  };
}
