import {
  type BacktestTrade,
  BacktestTradeReasonSchema,
} from '../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import {
  CandleIntervalSchema,
  ComparatorSchema,
  IndicatorSchema,
  type IndicatorTerm,
  RuleActionSchema,
  TradeSide,
  type TradingRule,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { BacktestRun } from './backtest-answer.ts';
import { enumLabel, formatAmount, formatCount, formatPercent } from './format.ts';
import {
  drawdownDates,
  formatHolding,
  formatRatio,
  formatStatistic,
  type MeasureRow,
  measureRow,
} from './measure-rows.ts';

/** What was run and what came of it, a line each; the same on a terminal and in a report. */
export function summaryRows({
  started,
  result,
}: BacktestRun): readonly (readonly [string, string])[] {
  const amount = (text: string) => `${formatAmount(text)} ${started.currency}`;
  const { fills } = started;
  return [
    [
      'candles',
      `${formatCount(result.candles)} of ${enumLabel(CandleIntervalSchema, started.interval).replace('candle_interval_', '')}`,
    ],
    ['start value', amount(result.startValue)],
    ['end value', amount(result.endValue)],
    ['gain', amount(result.gain)],
    ['fees', amount(result.fees)],
    ['held at the end', result.position === '0' ? '' : amount(result.positionValue)],
    ['trades', formatCount(result.trades)],
    [
      'entries, exits',
      `${formatCount(result.entrySignals)}, ${formatCount(result.exitSignals)} by the rules`,
    ],
    ['blocked', blockedText(result)],
    ['not filled', result.unfilledEntries === 0n ? '' : formatCount(result.unfilledEntries)],
    ['each entry', `${shareText(started.fraction)} of the equity`],
    ['fee, slippage', `${shareText(fills?.feeRate)}, ${shareText(fills?.slippage)}`],
    ['volume', fills?.participation ? `${shareText(fills.participation)} of a candle's` : ''],
    ['delay', fills?.delayCandles ? `${fills.delayCandles} candles` : ''],
    ['refused orders', fills?.rejectionRate === '0' ? '' : shareText(fills?.rejectionRate)],
    ['annualised by', `${result.annualisationFactor} (${result.annualisationBasis})`],
  ];
}

function blockedText({ blockedByCooldown, blockedByDrawdown }: BacktestRun['result']): string {
  const parts = [
    blockedByCooldown > 0n ? `${formatCount(blockedByCooldown)} by the cooldown` : '',
    blockedByDrawdown > 0n ? `${formatCount(blockedByDrawdown)} by the drawdown` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** "0.001" as "0.1 %": a decimal has few digits, which two places more do not spoil. */
function shareText(fraction: string | undefined): string {
  return `${Number((Number(fraction ?? 0) * 100).toPrecision(12))} %`;
}

export function measureRowsOf({ result }: BacktestRun): readonly MeasureRow[] {
  const { statistics } = result;
  return [
    measureRow('time-weighted return', result.timeWeightedReturn, formatPercent),
    measureRow('buy and hold', result.buyAndHoldReturn, formatPercent),
    measureRow('CAGR', result.cagr, formatPercent),
    measureRow('volatility', result.volatility, formatPercent),
    measureRow('Sharpe', result.sharpe, formatRatio),
    measureRow('Sortino', result.sortino, formatRatio),
    measureRow('maximum drawdown', result.maximumDrawdown, formatPercent),
    ...drawdownDates(result.maximumDrawdown),
    measureRow('Calmar', result.calmar, formatRatio),
    measureRow('VaR 95', result.valueAtRisk95, formatPercent),
    measureRow('CVaR 95', result.conditionalValueAtRisk95, formatPercent),
    measureRow('time in market', result.timeInMarket, formatPercent),
    measureRow('win rate', statistics?.winRate, formatPercent),
    measureRow('profit factor', statistics?.profitFactor, formatRatio),
    measureRow('expectancy', statistics?.expectancy, formatStatistic),
    measureRow('average win', statistics?.averageWin, formatStatistic),
    measureRow('average loss', statistics?.averageLoss, formatStatistic),
    measureRow('payoff ratio', statistics?.payoffRatio, formatRatio),
    measureRow('mean holding', statistics?.meanHolding, formatHolding),
    measureRow('longest holding', statistics?.longestHolding, formatHolding),
  ];
}

/** "enter long when SMA(20) crosses above SMA(50)". */
export function ruleText({ indicator, comparator, against, action }: TradingRule): string {
  const words = (text: string) => text.replaceAll('_', ' ');
  const other =
    against.case === 'secondIndicator' ? termText(against.value) : (against.value ?? '');
  const what = `${indicator === undefined ? '' : termText(indicator)} ${words(enumLabel(ComparatorSchema, comparator))} ${other}`;
  return `${words(enumLabel(RuleActionSchema, action))} when ${what}`;
}

function termText({ indicator, window }: IndicatorTerm): string {
  const name = enumLabel(IndicatorSchema, indicator).toUpperCase();
  return window === 0 ? name : `${name}(${window})`;
}

export function tradeTime({ executedAt }: BacktestTrade): string {
  return new Date(Number(executedAt) * 1000).toISOString().slice(0, 16).replace('T', ' ');
}

export function reasonText({ reason }: BacktestTrade): string {
  return enumLabel(BacktestTradeReasonSchema, reason).replaceAll('_', ' ');
}

export function sideText({ side }: BacktestTrade): 'buy' | 'sell' {
  return side === TradeSide.BUY ? 'buy' : 'sell';
}
