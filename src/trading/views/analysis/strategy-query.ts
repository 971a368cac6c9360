import { AnalysisQueryService } from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery } from '../../../read/kit.ts';
import { askedPeriod } from '../performance/period.ts';
import { riskFreeRateOf } from '../performance/risk-free.ts';
import { positionsOf } from '../statistics/queries.ts';
import { strategyRecord } from '../strategies/queries.ts';
import { strategyPerformance, strategyViews } from './strategy-performance.ts';

export const strategyQuery = defineQuery({
  method: AnalysisQueryService.method.getStrategyPerformance,
  views: strategyViews,
  record: strategyRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { strategyId, portfolioId, instrumentId, annualisationFactor } = query;
    const period = askedPeriod(query);
    if (isRejection(period)) return period;
    const riskFreeRate = riskFreeRateOf(query);
    if (isRejection(riskFreeRate)) return riskFreeRate;
    const traded = await positionsOf(reader, strategyId, String(found?.document.userId ?? ''));
    const wanted = traded.filter(
      (position) =>
        (portfolioId === '' || portfolioId === position.portfolioId) &&
        (instrumentId === '' || instrumentId === position.instrumentId),
    );
    const asked = { period, riskFreeRate, annualisationFactor };
    const performance = await strategyPerformance(reader, strategyId, wanted, asked);
    return isRejection(performance) ? performance : { strategyId, performance: [...performance] };
  },
});
