import {
  isUndefined,
  type Measure,
  measureOf,
  method,
  type UndefinedReason,
  undefinedMeasure,
} from './measure.ts';
import { timeWeightedReturn } from './returns.ts';
import { mean, returnResolution, sampleDeviation } from './series.ts';

/** The return of a portfolio and that of its benchmark over the same time. */
export type ReturnPair = { readonly own: number; readonly benchmark: number };

export type Comparison = {
  readonly alpha: Measure;
  readonly beta: Measure;
  readonly correlation: Measure;
  readonly trackingError: Measure;
  readonly informationRatio: Measure;
  readonly activeReturn: Measure;
};

/**
 * annualisation: returns in a year. riskFree: the return for each of them that was to be had without
 * risk; it matters for alpha alone.
 */
export function compareWith(
  pairs: readonly ReturnPair[],
  annualisation: number,
  riskFree = 0,
): Comparison {
  const own = pairs.map((pair) => pair.own);
  const benchmark = pairs.map((pair) => pair.benchmark);
  const active = pairs.map((pair) => pair.own - pair.benchmark);
  const beta = betaOf(own, benchmark);
  return {
    alpha: alphaOf(own, benchmark, beta, annualisation, riskFree),
    beta,
    correlation: correlationOf(own, benchmark),
    trackingError: withSeveral(method.trackingError, active, () =>
      measureOf(method.trackingError, sampleDeviation(active) * Math.sqrt(annualisation)),
    ),
    informationRatio: informationRatioOf(active, annualisation),
    activeReturn: activeReturnOf(own, benchmark),
  };
}

/** A deviation needs two returns. */
function withSeveral(name: string, { length }: readonly number[], measure: () => Measure): Measure {
  const reason: UndefinedReason = length === 0 ? 'NO_RETURNS' : 'SINGLE_RETURN';
  return length < 2 ? undefinedMeasure(name, reason) : measure();
}

function covariance(a: readonly number[], b: readonly number[]): number {
  const [centreA, centreB] = [mean(a), mean(b)];
  return mean(a.map((value, at) => (value - centreA) * ((b[at] ?? Number.NaN) - centreB)));
}

function betaOf(own: readonly number[], benchmark: readonly number[]): Measure {
  const name = method.beta;
  return withSeveral(name, own, () => {
    if (sampleDeviation(benchmark) < returnResolution) {
      return undefinedMeasure(name, 'NO_BENCHMARK_VARIANCE');
    }
    return measureOf(name, covariance(own, benchmark) / covariance(benchmark, benchmark));
  });
}

function alphaOf(
  own: readonly number[],
  benchmark: readonly number[],
  beta: Measure,
  annualisation: number,
  riskFree: number,
): Measure {
  const name = method.alpha;
  if (isUndefined(beta)) return undefinedMeasure(name, beta.undefined);
  const daily = mean(own) - riskFree - beta.value * (mean(benchmark) - riskFree);
  if (daily < -1) return undefinedMeasure(name, 'NEGATIVE_WEALTH');
  return measureOf(name, (1 + daily) ** annualisation - 1);
}

function correlationOf(own: readonly number[], benchmark: readonly number[]): Measure {
  const name = method.correlation;
  return withSeveral(name, own, () => {
    const [deviation, benchmarks] = [sampleDeviation(own), sampleDeviation(benchmark)];
    if (benchmarks < returnResolution) return undefinedMeasure(name, 'NO_BENCHMARK_VARIANCE');
    if (deviation < returnResolution) return undefinedMeasure(name, 'NO_VARIANCE');
    const sample = (covariance(own, benchmark) * own.length) / (own.length - 1);
    // Rounding must not lead beyond the range of a correlation.
    return measureOf(name, Math.max(-1, Math.min(1, sample / (deviation * benchmarks))));
  });
}

function informationRatioOf(active: readonly number[], annualisation: number): Measure {
  const name = method.informationRatio;
  return withSeveral(name, active, () => {
    const deviation = sampleDeviation(active);
    if (deviation < returnResolution) return undefinedMeasure(name, 'NO_TRACKING_ERROR');
    return measureOf(name, (mean(active) / deviation) * Math.sqrt(annualisation));
  });
}

function activeReturnOf(own: readonly number[], benchmark: readonly number[]): Measure {
  const [gained, compared] = [timeWeightedReturn(own), timeWeightedReturn(benchmark)];
  if (isUndefined(gained)) return undefinedMeasure(method.activeReturn, gained.undefined);
  if (isUndefined(compared)) return undefinedMeasure(method.activeReturn, compared.undefined);
  return measureOf(method.activeReturn, gained.value - compared.value);
}
