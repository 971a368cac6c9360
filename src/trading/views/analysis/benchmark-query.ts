import {
  AnalysisQueryService,
  type CompareWithBenchmarkQuery,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery, notFound } from '../../../read/kit.ts';
import { dayText } from '../days.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import { type Comparison, compareWith, type ReturnPair } from '../measures/benchmark.ts';
import {
  isUndefined,
  type Measure,
  method as measureMethod,
  measureOf,
  type UndefinedReason,
  undefinedMeasure,
} from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { timeWeightedReturn } from '../measures/returns.ts';
import { returnsOf } from '../performance/daily.ts';
import { readCloses } from '../performance/history.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { riskFreeRateOf, riskFreeReturn } from '../performance/risk-free.ts';
import { annualisationOf, type Valuations } from '../performance/valuation.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { portfolioOf, readPeriod, valuationViews } from './portfolio-period.ts';
import { type BenchmarkPrices, benchmarkPrices, joinedPairs, pairsOf } from './return-pairs.ts';

const crypto = 'CRYPTO';

export const benchmarkQuery = defineQuery({
  method: AnalysisQueryService.method.compareWithBenchmark,
  views: valuationViews,
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { portfolioId, benchmarkId } = query;
    const riskFreeRate = riskFreeRateOf(query);
    if (isRejection(riskFreeRate)) return riskFreeRate;
    const benchmark = (await reader.get(instruments, benchmarkId))?.document as
      | InstrumentDocument
      | undefined;
    if (benchmark === undefined) return notFound('instrument', benchmarkId);
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    const { assetClass } = benchmark;
    const head = {
      ...{ portfolioId, benchmarkId, currency: portfolioOf(found).baseCurrency },
      benchmarkCurrency: benchmark.quoteCurrency,
      dailyReturnMethod: measureMethod.dailyReturn,
    };
    if (read === undefined) {
      const known = { ...head, from: query.from, to: query.to };
      return { ...known, ...annualised(query, [assetClass]).shown, ...none('NO_RETURNS') };
    }
    const { history, period } = read;
    const closes = await readCloses(reader, benchmarkId, period);
    const prices = benchmarkPrices(closes, period);
    const from = prices?.from ?? period.from;
    const valuations = await readValuations(reader, history, { from, to: period.to });
    const { shown, joins } = annualised(query, [...valuations.held, assetClass]);
    return {
      ...{ ...head, from: dayText(from), to: dayText(period.to), ...shown },
      ...(prices === undefined
        ? none('NO_BENCHMARK')
        : compared(valuations, prices, {
            factor: shown.annualisationFactor,
            riskFreeRate,
            joins,
            closes: assetClass !== crypto,
            isLate: from > period.from,
          })),
    };
  },
});

/** Markets that close have their returns by session, unless a year is to have all its days. */
function annualised(
  { annualisationFactor: requested }: CompareWithBenchmarkQuery,
  assetClasses: readonly string[],
) {
  const known = annualisationOf(new Set(assetClasses));
  const { factor, basis } = requested === 0 ? known : { factor: requested, basis: 'REQUESTED' };
  return {
    shown: { annualisationFactor: factor, annualisationBasis: basis },
    joins: factor < 365 && known.basis === 'MARKETS_THAT_CLOSE',
  };
}

type Way = {
  readonly factor: number;
  readonly riskFreeRate: number;
  /** Whether days on which no market is open go into the next on which one is. */
  readonly joins: boolean;
  /** Whether the market of the benchmark closes. */
  readonly closes: boolean;
  /** Whether its first price is later than the period. */
  readonly isLate: boolean;
};

function compared(
  { days }: Valuations,
  prices: BenchmarkPrices,
  { factor, riskFreeRate, joins, closes, isLate }: Way,
) {
  const carriedPrices = days.filter(({ day }) => !prices.ownPrices.has(day)).length;
  const found = returnsOf(days);
  if (isUndefined(found)) return { ...none(found.undefined), carriedPrices };
  if (days.length < 2 && isLate) return { ...none('NO_BENCHMARK'), carriedPrices };
  const all = pairsOf(found.returns, prices);
  const open = new Set(days.filter(({ isSession }) => isSession).map(({ day }) => day));
  const isSession = (day: number) => open.has(day) || (closes && prices.ownPrices.has(day));
  const pairs: readonly ReturnPair[] = joins ? joinedPairs(all, isSession) : all;
  return {
    ...messageOf(compareWith(pairs, factor, riskFreeReturn(riskFreeRate, factor))),
    timeWeightedReturn: toMeasure(timeWeightedReturn(pairs.map(({ own }) => own))),
    benchmarkReturn: toMeasure(benchmarkReturn(pairs)),
    returns: pairs.length,
    carriedPrices,
  };
}

/** The closes are those of the pairs: they compound to the last over the first one. */
function benchmarkReturn(pairs: readonly ReturnPair[]): Measure {
  const found = timeWeightedReturn(pairs.map(({ benchmark }) => benchmark));
  const name = measureMethod.benchmarkReturn;
  return isUndefined(found)
    ? undefinedMeasure(name, found.undefined)
    : measureOf(name, found.value);
}

function messageOf(comparison: Comparison) {
  return {
    alpha: toMeasure(comparison.alpha),
    beta: toMeasure(comparison.beta),
    correlation: toMeasure(comparison.correlation),
    trackingError: toMeasure(comparison.trackingError),
    informationRatio: toMeasure(comparison.informationRatio),
    activeReturn: toMeasure(comparison.activeReturn),
  };
}

/** Every measure undefined for one reason. */
function none(reason: UndefinedReason) {
  const of = (name: keyof typeof measureMethod) => undefinedMeasure(measureMethod[name], reason);
  return {
    ...messageOf({
      alpha: of('alpha'),
      beta: of('beta'),
      correlation: of('correlation'),
      trackingError: of('trackingError'),
      informationRatio: of('informationRatio'),
      activeReturn: of('activeReturn'),
    }),
    timeWeightedReturn: toMeasure(of('timeWeightedReturn')),
    benchmarkReturn: toMeasure(of('benchmarkReturn')),
    returns: 0,
  };
}
