import { type Measure, measureOf, method, undefinedMeasure } from './measure.ts';
import { mean, returnResolution, sampleDeviation } from './series.ts';

/** Annualised; annualisation: days of return in a year, 365 or 252. */
export function volatility(returns: readonly number[], annualisation: number): Measure {
  const name = method.volatility;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  if (returns.length === 1) return undefinedMeasure(name, 'SINGLE_RETURN');
  return measureOf(name, sampleDeviation(returns) * Math.sqrt(annualisation));
}

/** Annualised; riskFree: the return per day that was to be had without risk. */
export function sharpe(returns: readonly number[], annualisation: number, riskFree = 0): Measure {
  const name = method.sharpe;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  if (returns.length === 1) return undefinedMeasure(name, 'SINGLE_RETURN');
  const deviation = sampleDeviation(returns);
  if (deviation < returnResolution) return undefinedMeasure(name, 'NO_VARIANCE');
  return measureOf(name, ((mean(returns) - riskFree) / deviation) * Math.sqrt(annualisation));
}

/** Annualised; riskFree, per day, lowers the mean only: the downside is that of losses. */
export function sortino(returns: readonly number[], annualisation: number, riskFree = 0): Measure {
  const name = method.sortino;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  const downside = Math.sqrt(mean(returns.map((value) => Math.min(value, 0) ** 2)));
  if (downside < returnResolution) return undefinedMeasure(name, 'NO_DOWNSIDE');
  const excess = (mean(returns) - riskFree) * annualisation;
  return measureOf(name, excess / (downside * Math.sqrt(annualisation)));
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The daily return that 5 % of the days fall below: a loss is under zero. */
export function valueAtRisk95(returns: readonly number[]): Measure {
  const name = method.valueAtRisk95;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  const sorted = ascending(returns);
  const rank = (sorted.length - 1) * 0.05;
  const lower = sorted[Math.floor(rank)] as number;
  const upper = sorted[Math.ceil(rank)] as number;
  return measureOf(name, lower + (upper - lower) * (rank - Math.floor(rank)));
}

/** The mean daily return of the worst days: a loss is under zero. */
export function conditionalValueAtRisk95(returns: readonly number[]): Measure {
  const name = method.conditionalValueAtRisk95;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  const count = Math.floor((returns.length - 1) * 0.05) + 1;
  return measureOf(name, mean(ascending(returns).slice(0, count)));
}
