import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  AnalysisQueryService,
  ReturnBucket as Bucket,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dayText, millisecondsPerDay } from '../days.ts';
import { method as measureMethod, undefinedMeasure } from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { portfolioOf, readPeriod, valuationViews } from './portfolio-period.ts';
import { type BucketReturn, bucketsOf, type ReturnBucket, wholeOf } from './returns.ts';

export const returnsQuery = defineQuery({
  method: AnalysisQueryService.method.getPortfolioReturns,
  views: valuationViews,
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { portfolioId } = query;
    const bucket = query.bucket === Bucket.UNSPECIFIED ? Bucket.MONTH : query.bucket;
    const head = {
      ...{ portfolioId, currency: portfolioOf(found).baseCurrency, bucket },
      returnMethod: measureMethod.dailyReturn,
    };
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    if (read === undefined) return { ...head, from: query.from, to: query.to, ...nothing };
    const { history, period, start } = read;
    const { days } = await readValuations(reader, history, { from: start, to: period.to });
    const whole = wholeOf(days);
    return {
      ...head,
      from: dayText(period.from),
      to: dayText(period.to),
      buckets: bucketsOf(days, period.from, bucketNames[bucket] ?? 'month').map(toBucket),
      ...(whole === undefined ? nothing : totalOf(whole)),
    };
  },
});

const bucketNames: { readonly [bucket: number]: ReturnBucket } = {
  [Bucket.DAY]: 'day',
  [Bucket.WEEK]: 'week',
  [Bucket.MONTH]: 'month',
  [Bucket.QUARTER]: 'quarter',
  [Bucket.YEAR]: 'year',
};

const nothing = {
  profit: '0',
  timeWeightedReturn: toMeasure(undefinedMeasure(measureMethod.timeWeightedReturn, 'NO_RETURNS')),
};

function totalOf({ profit, periodReturn }: BucketReturn) {
  return { profit: amountText(profit), timeWeightedReturn: toMeasure(periodReturn) };
}

function toBucket(bucket: BucketReturn) {
  const { firstDay, lastDay, startValue, endValue, deposits, withdrawals, profit } = bucket;
  return {
    start: timestampFromMs(firstDay * millisecondsPerDay),
    end: timestampFromMs((lastDay + 1) * millisecondsPerDay),
    startValue: amountText(startValue),
    endValue: amountText(endValue),
    deposits: amountText(deposits),
    withdrawals: amountText(withdrawals),
    profit: amountText(profit),
    periodReturn: toMeasure(bucket.periodReturn),
  };
}
