import { AnalysisQueryService } from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClassSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dayText } from '../days.ts';
import { enumOf } from '../enums.ts';
import { method as measureMethod, undefinedMeasure } from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import type { History } from '../performance/history.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { readTrades } from '../statistics/read-trades.ts';
import { trades } from '../trades/trades.ts';
import { type Attribution, attributionOf, type HeldDay } from './attribution.ts';
import { portfolioOf, readPeriod, valuationViews } from './portfolio-period.ts';
import { dayStep, wholeOf } from './returns.ts';

export const attributionQuery = defineQuery({
  method: AnalysisQueryService.method.getAttribution,
  views: [...valuationViews, trades],
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { portfolioId } = query;
    const quoteCurrency = portfolioOf(found).baseCurrency;
    const dailyReturnMethod = measureMethod.dailyReturn;
    const head = { portfolioId, currency: quoteCurrency, dailyReturnMethod };
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    if (read === undefined) return { ...head, from: query.from, to: query.to, ...nothing };
    const { history, period } = read;
    const days: HeldDay[] = [];
    const [traded] = await Promise.all([
      // What was traded on the first day is in the value that it ended with.
      readTrades(reader, { portfolioId, quoteCurrency }, { from: period.from + 1, to: period.to }),
      readValuations(reader, history, period, (valuation, held) => {
        days.push({ valuation, held });
      }),
    ]);
    const assetOf = (id: string) => history.instruments.get(id)?.baseAsset ?? id;
    const steps = days.map(({ valuation }) => dayStep(valuation));
    const whole = wholeOf(steps, measureMethod.timeWeightedReturn);
    return {
      ...head,
      from: dayText(period.from),
      to: dayText(period.to),
      assets: attributionOf(days, traded, assetOf).map((each) => toMessage(each, history)),
      ...(whole === undefined
        ? nothing
        : {
            gain: amountText(whole.profit),
            timeWeightedReturn: toMeasure(whole.periodReturn),
          }),
    };
  },
});

const nothing = {
  gain: '0',
  timeWeightedReturn: toMeasure(undefinedMeasure(measureMethod.timeWeightedReturn, 'NO_RETURNS')),
};

function toMessage(
  { asset, instrumentIds, gain, contribution, trades: count }: Attribution,
  { instruments }: History,
) {
  const assetClass = instruments.get(instrumentIds[0] ?? '')?.assetClass ?? '';
  return {
    asset,
    assetClass: enumOf(AssetClassSchema, assetClass),
    instrumentIds: [...instrumentIds],
    gain: amountText(gain),
    contribution: toMeasure(contribution),
    trades: count,
  };
}
