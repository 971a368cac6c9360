import {
  add,
  type Decimal,
  isZero,
  mul,
  neg,
  sub,
  toNumber,
  toText,
  zero,
} from '../../../kernel/decimal.ts';
import type { BacktestCounts, EquityPoint } from '../../model/backtest.ts';
import type { BacktestTrade } from '../../model/backtest-account.ts';
import { amountText } from '../amounts.ts';
import { measureOf, method, undefinedMeasure } from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { figuresOf } from '../performance/figures.ts';
import type { Valuation } from '../performance/valuation.ts';
import { annualisationOf } from '../performance/valuation.ts';
import { groupingMethod } from '../statistics/method.ts';
import { bySale, roundTripsOf } from '../statistics/round-trips.ts';
import { toStatistics } from '../statistics/statistics-message.ts';
import { tradeStatisticsOf } from '../statistics/trade-statistics.ts';
import type { Prepared } from './setup.ts';

/** What a run keeps for its result. */
export type Ran = {
  readonly counts: BacktestCounts;
  readonly trades: readonly BacktestTrade[];
  readonly days: readonly Valuation[];
  /** Absent where no candle was traded on. */
  readonly firstOpen: Decimal | undefined;
  readonly last: EquityPoint | undefined;
  /** Candles at whose close a position was held. */
  readonly held: number;
};

/** The definitions of what only a backtest has. */
const backtestMethod = {
  buyAndHold: 'LAST_CLOSE_OVER_FIRST_OPENING',
  timeInMarket: 'CANDLES_HELD_OVER_CANDLES',
};

export function toResult({ instrument, setup }: Prepared, ran: Ran) {
  const { counts, trades, days, last } = ran;
  const { factor, basis } = annualisationOf(new Set([instrument.assetClass]));
  const bySession = basis !== 'ALL_CRYPTO';
  const { cash } = setup;
  const end = last?.equity ?? cash;
  const position = last?.position ?? zero;
  return {
    candles: BigInt(counts.candles),
    trades: BigInt(trades.length),
    startValue: toText(cash),
    endValue: amountText(end),
    gain: amountText(sub(end, cash)),
    fees: amountText(trades.reduce((sum, { fee }) => add(sum, fee), zero)),
    position: toText(position),
    positionValue: amountText(mul(position, last?.close ?? zero)),
    entrySignals: BigInt(counts.entrySignals),
    exitSignals: BigInt(counts.exitSignals),
    blockedByCooldown: BigInt(counts.blocked.COOLDOWN),
    blockedByDrawdown: BigInt(counts.blocked.MAX_DRAWDOWN),
    unfilledEntries: BigInt(counts.unfilled),
    annualisationFactor: factor,
    annualisationBasis: basis,
    dailyReturnMethod: method.dailyReturn,
    ...figuresOf(days, { factor, riskFreeRate: 0, bySession }),
    buyAndHoldReturn: toMeasure(buyAndHold(ran)),
    timeInMarket: toMeasure(
      counts.candles === 0
        ? undefinedMeasure(backtestMethod.timeInMarket, 'NO_RETURNS')
        : measureOf(backtestMethod.timeInMarket, ran.held / counts.candles),
    ),
    statistics: statisticsOf(instrument, trades),
  };
}

function buyAndHold({ firstOpen, last }: Ran) {
  const name = backtestMethod.buyAndHold;
  if (firstOpen === undefined || last === undefined || isZero(firstOpen)) {
    return undefinedMeasure(name, 'NO_RETURNS');
  }
  return measureOf(name, toNumber(last.close) / toNumber(firstOpen) - 1);
}

/** Lots do not matter where one position is opened and closed at a time, but partial exits do. */
const costBasisMethod = 'FIFO';

function statisticsOf(
  { instrumentId, quoteCurrency: currency }: Prepared['instrument'],
  trades: readonly BacktestTrade[],
) {
  const replayed = trades.map(({ number, at, side, quantity, price, fee }) => {
    const amount = mul(price, quantity);
    const [units, cash] =
      side === 'BUY' ? [quantity, neg(add(amount, fee))] : [neg(quantity), sub(amount, fee)];
    return {
      ...{ id: String(number), time: at * 1000, instrumentId, strategyId: '' },
      quantityChange: toText(units),
      cashChange: amountText(cash),
    };
  });
  const { trips } = roundTripsOf(costBasisMethod, replayed);
  const head = { currency, groupingMethod: groupingMethod.sale, costBasisMethod };
  return toStatistics(head, tradeStatisticsOf(bySale(trips)));
}
