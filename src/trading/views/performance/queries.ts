import {
  type GetPortfolioPerformanceQuery,
  SeriesBucket,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { add, type Decimal, decimal, sub, zero } from '../../../kernel/decimal.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dailyCloses } from '../candles/daily-closes.ts';
import { dayText } from '../days.ts';
import { instruments } from '../instruments/instruments.ts';
import { portfolioDays } from '../portfolios/portfolio-days.ts';
import { type PortfolioDocument, portfolios } from '../portfolios/portfolios.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import type { Found } from '../reading.ts';
import { readHistory } from './history.ts';
import { measuredOf } from './measured.ts';
import { askedPeriod, knownPeriod } from './period.ts';
import { readValuations } from './read-valuations.ts';
import { riskFreeRateOf } from './risk-free.ts';
import { pointsOf } from './series.ts';
import type { Valuation, Valuations } from './valuation.ts';

const { method } = TradingQueryService;
const views = [portfolios, portfolioDays, dailyCloses, instruments];

export const performanceQueries = [
  defineQuery({
    method: method.getPortfolioPerformance,
    views,
    record: portfolioRecord,
    cached: true,
    answer: async (query, { reader }, found) => {
      const asked = askedPeriod(query);
      if (isRejection(asked)) return asked;
      const riskFreeRate = riskFreeRateOf(query);
      if (isRejection(riskFreeRate)) return riskFreeRate;
      const history = await readHistory(reader, query.portfolioId);
      const period = history && knownPeriod(asked, history.known);
      if (isRejection(period)) return period;
      const valued = history && period && (await readValuations(reader, history, period));
      return {
        portfolioId: query.portfolioId,
        currency: currencyOf(found),
        from: query.from,
        to: query.to,
        ...performanceOf(valued ?? nothing, query, riskFreeRate),
      };
    },
  }),
  defineQuery({
    method: method.getPortfolioValueSeries,
    views,
    record: portfolioRecord,
    cached: true,
    answer: async (query, { reader }, found) => {
      const currency = currencyOf(found);
      const asked = askedPeriod(query);
      if (isRejection(asked)) return asked;
      const history = await readHistory(reader, query.portfolioId);
      const period = history && knownPeriod(asked, history.known);
      if (isRejection(period)) return period;
      if (history === undefined || period === undefined) return { currency, points: [] };
      // The return of the first day is to the day before, where there was one.
      const from = Math.max(period.from - 1, history.known.from);
      const { days } = await readValuations(reader, history, { ...period, from });
      return { currency, points: pointsOf(days, period, buckets[query.bucket] ?? 'day') };
    },
  }),
];

const buckets: { readonly [bucket: number]: 'day' | 'week' | 'month' } = {
  [SeriesBucket.DAY]: 'day',
  [SeriesBucket.WEEK]: 'week',
  [SeriesBucket.MONTH]: 'month',
};

const nothing: Valuations = { days: [], held: new Set(), carried: 0, pricedAt: undefined };

function currencyOf(found: Found | undefined): string {
  return (found?.document as PortfolioDocument | undefined)?.baseCurrency ?? '';
}

function performanceOf(
  valuations: Valuations,
  { annualisationFactor }: GetPortfolioPerformanceQuery,
  riskFreeRate: number,
) {
  const { days } = valuations;
  return {
    ...periodOf(days),
    ...amountsOf(days),
    ...measuredOf(valuations, { annualisationFactor, riskFreeRate }),
  };
}

/** The days that the figures are of: those that were asked for, where they are of none. */
function periodOf(days: readonly Valuation[]) {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return {};
  return { from: dayText(first.day), to: dayText(last.day) };
}

/** What came in and went out on the first day is in the value that it ended with. */
function amountsOf(days: readonly Valuation[]) {
  const start = days[0]?.value ?? zero;
  const end = days.at(-1)?.value ?? zero;
  const sum = (flow: 'deposits' | 'withdrawals'): Decimal =>
    days.slice(1).reduce((total, day) => add(total, decimal(day[flow])), zero);
  const [deposits, withdrawals] = [sum('deposits'), sum('withdrawals')];
  return {
    startValue: amountText(start),
    endValue: amountText(end),
    deposits: amountText(deposits),
    withdrawals: amountText(withdrawals),
    gain: amountText(add(sub(sub(end, start), deposits), withdrawals)),
  };
}
