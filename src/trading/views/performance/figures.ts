import { decimal, toNumber } from '../../../kernel/decimal.ts';
import { dayText } from '../days.ts';
import { calmar, type Drawdown, maximumDrawdown } from '../measures/drawdown.ts';
import {
  type DatedValue,
  isUndefined,
  type Measure,
  method,
  undefinedMeasure,
} from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { cagr, timeWeightedReturn, wealthIndex } from '../measures/returns.ts';
import {
  conditionalValueAtRisk95,
  sharpe,
  sortino,
  valueAtRisk95,
  volatility,
} from '../measures/risk.ts';
import { type CashFlow, xirr } from '../measures/xirr.ts';
import { bySession, returnsOf } from './daily.ts';
import { riskFreeReturn } from './risk-free.ts';
import type { Valuation } from './valuation.ts';

export type Annualisation = {
  /** Days of return in a year. */
  readonly factor: number;
  /** Per year, as a fraction. */
  readonly riskFreeRate: number;
  /** Whether the returns are those of the days on which a market is open. */
  readonly bySession: boolean;
};

/** All figures of a period, from its valuations day by day. */
export function figuresOf(days: readonly Valuation[], annualisation: Annualisation) {
  const found = returnsOf(days);
  const measured = isUndefined(found)
    ? everyMeasure((name) => undefinedMeasure(name, found.undefined))
    : measuresOf(days, found.returns, annualisation);
  return { ...measured, moneyWeightedReturn: toMeasure(xirr(flowsOf(days))) };
}

function measuresOf(
  days: readonly Valuation[],
  all: readonly DatedValue[],
  { factor, riskFreeRate, bySession: joins }: Annualisation,
) {
  const dated = joins ? bySession(all, days) : all;
  const returns = dated.map(({ value }) => value);
  const riskFree = riskFreeReturn(riskFreeRate, factor);
  const growth = cagr(returns, factor);
  const drawdown = maximumDrawdown(wealthIndex(dayText(days[0]?.day ?? 0), dated));
  return {
    dailyReturns: returns.length,
    timeWeightedReturn: toMeasure(timeWeightedReturn(returns)),
    cagr: toMeasure(growth),
    volatility: toMeasure(volatility(returns, factor)),
    sharpe: toMeasure(sharpe(returns, factor, riskFree)),
    sortino: toMeasure(sortino(returns, factor, riskFree)),
    maximumDrawdown: toDrawdown(drawdown),
    calmar: toMeasure(calmar(growth, drawdown)),
    valueAtRisk95: toMeasure(valueAtRisk95(returns)),
    conditionalValueAtRisk95: toMeasure(conditionalValueAtRisk95(returns)),
  };
}

function everyMeasure(measure: (name: string) => Measure): ReturnType<typeof measuresOf> {
  const of = (name: keyof typeof method) => toMeasure(measure(method[name]));
  return {
    dailyReturns: 0,
    timeWeightedReturn: of('timeWeightedReturn'),
    cagr: of('cagr'),
    volatility: of('volatility'),
    sharpe: of('sharpe'),
    sortino: of('sortino'),
    maximumDrawdown: of('maximumDrawdown'),
    calmar: of('calmar'),
    valueAtRisk95: of('valueAtRisk95'),
    conditionalValueAtRisk95: of('conditionalValueAtRisk95'),
  };
}

/** As the investor sees them: the value at the start is paid in, the one at the end is received. */
function flowsOf(days: readonly Valuation[]): readonly CashFlow[] {
  const [first, ...rest] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return [];
  const flows = rest.flatMap(({ day, deposits, withdrawals }) =>
    deposits === '0' && withdrawals === '0'
      ? []
      : [{ date: dayText(day), amount: amountOf(withdrawals) - amountOf(deposits) }],
  );
  return [
    { date: dayText(first.day), amount: -toNumber(first.value) },
    ...flows,
    { date: dayText(last.day), amount: toNumber(last.value) },
  ];
}

const amountOf = (text: string) => toNumber(decimal(text));

/** The deepest fall as answers have it. */
export function toDrawdown(drawdown: Drawdown) {
  if (isUndefined(drawdown)) return toMeasure(drawdown);
  const { peakDate = '', troughDate = '', recoveryDate = '' } = drawdown;
  return { ...toMeasure(drawdown), peakDate, troughDate, recoveryDate };
}
