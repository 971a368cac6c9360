import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  AnalysisQueryService,
  ReturnBucket as Bucket,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { candles } from '../candles/candles.ts';
import { dayText, millisecondsPerDay, startOf } from '../days.ts';
import { method as measureMethod, undefinedMeasure } from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { trades } from '../trades/trades.ts';
import { cashFlows } from './cash-flows.ts';
import { type HourStep, millisecondsPerHour } from './hourly.ts';
import {
  type PortfolioPeriod,
  portfolioOf,
  readPeriod,
  valuationViews,
} from './portfolio-period.ts';
import { readHours, refuseHours } from './read-hours.ts';
import { type BucketReturn, bucketsOf, dayStep, wholeOf } from './returns.ts';

export const returnsQuery = defineQuery({
  method: AnalysisQueryService.method.getPortfolioReturns,
  views: [...valuationViews, candles, trades, cashFlows],
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { portfolioId } = query;
    const bucket = query.bucket === Bucket.UNSPECIFIED ? Bucket.MONTH : query.bucket;
    const byHour = bucket === Bucket.HOUR;
    const { baseCurrency: currency } = portfolioOf(found);
    const returnMethod = byHour ? measureMethod.hourlyReturn : measureMethod.dailyReturn;
    const head = { portfolioId, currency, bucket, returnMethod };
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    if (read === undefined) {
      return { ...head, from: query.from, to: query.to, ...totalOf(undefined, byHour) };
    }
    const { from, to } = read.period;
    const returns = byHour
      ? await hourly(reader, { portfolioId, quoteCurrency: currency }, read)
      : await daily(reader, read, bucketStarts[bucket] ?? 'month');
    return isRejection(returns)
      ? returns
      : { ...head, from: dayText(from), to: dayText(to), ...returns };
  },
});

const bucketStarts: { readonly [bucket: number]: Parameters<typeof startOf>[0] } = {
  [Bucket.DAY]: 'day',
  [Bucket.WEEK]: 'week',
  [Bucket.MONTH]: 'month',
  [Bucket.QUARTER]: 'quarter',
  [Bucket.YEAR]: 'year',
};

async function daily(
  reader: Reader,
  { history, period, start }: PortfolioPeriod,
  bucket: Parameters<typeof startOf>[0],
) {
  const { days } = await readValuations(reader, history, { from: start, to: period.to });
  const steps = days.map(dayStep);
  const method = measureMethod.timeWeightedReturn;
  const buckets = bucketsOf(steps, period.from, method, (day) => startOf(bucket, day));
  return {
    buckets: buckets.map((each) => toBucket(each, millisecondsPerDay)),
    ...totalOf(wholeOf(steps, method), false),
  };
}

async function hourly(
  reader: Reader,
  of: { readonly portfolioId: string; readonly quoteCurrency: string },
  read: PortfolioPeriod,
): Promise<object | Rejection> {
  const refusal = refuseHours(read.period);
  if (refusal !== undefined) return refusal;
  const { steps, from } = await readHours(reader, of, read);
  const method = measureMethod.hourlyTimeWeightedReturn;
  const coarse = coarseHours(steps);
  const whole = wholeOf(steps, method);
  return {
    buckets: bucketsOf(steps, from, method, (hour) => hour).map((each) =>
      coarse.has(each.first)
        ? withoutPrices(toBucket(each, millisecondsPerHour))
        : toBucket(each, millisecondsPerHour),
    ),
    ...totalOf(whole, true),
    ...(coarse.size > 0 && { timeWeightedReturn: toMeasure(noHourlyPrices) }),
  };
}

const noHourlyPrices = undefinedMeasure(measureMethod.hourlyTimeWeightedReturn, 'NO_HOURLY_PRICES');

/** The hours at one end of which something that was held had no price of an hour. */
function coarseHours(steps: readonly HourStep[]): ReadonlySet<number> {
  const coarse = steps.flatMap(({ at, isCoarse }, index) =>
    index > 0 && (isCoarse || steps[index - 1]?.isCoarse === true) ? [at] : [],
  );
  return new Set(coarse);
}

/** A profit of such an hour would be that of days, or nothing. */
function withoutPrices(bucket: ReturnType<typeof toBucket>) {
  return { ...bucket, profit: '', periodReturn: toMeasure(noHourlyPrices) };
}

function totalOf(whole: BucketReturn | undefined, byHour: boolean) {
  const name = byHour ? 'hourlyTimeWeightedReturn' : 'timeWeightedReturn';
  const nothing = undefinedMeasure(measureMethod[name], 'NO_RETURNS');
  return {
    profit: whole === undefined ? '0' : amountText(whole.profit),
    timeWeightedReturn: toMeasure(whole?.periodReturn ?? nothing),
  };
}

function toBucket(bucket: BucketReturn, stepMs: number) {
  const { first, last, startValue, endValue, deposits, withdrawals, profit } = bucket;
  return {
    start: timestampFromMs(first * stepMs),
    end: timestampFromMs((last + 1) * stepMs),
    startValue: amountText(startValue),
    endValue: amountText(endValue),
    deposits: amountText(deposits),
    withdrawals: amountText(withdrawals),
    profit: amountText(profit),
    periodReturn: toMeasure(bucket.periodReturn),
  };
}
