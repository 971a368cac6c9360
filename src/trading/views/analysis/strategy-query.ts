import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AnalysisQueryService,
  type StrategyPerformanceSchema,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dailyCloses } from '../candles/daily-closes.ts';
import { dayText } from '../days.ts';
import { instruments } from '../instruments/instruments.ts';
import { method as measureMethod } from '../measures/measure.ts';
import { measuredOf } from '../performance/measured.ts';
import { askedPeriod, knownPeriod, type Period } from '../performance/period.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { riskFreeRateOf } from '../performance/risk-free.ts';
import { type PositionDocument, positions } from '../portfolios/positions.ts';
import { positionsOf } from '../statistics/queries.ts';
import { strategyRecord } from '../strategies/queries.ts';
import { strategies } from '../strategies/strategies.ts';
import { trades } from '../trades/trades.ts';
import { ownTrades, readAccounts } from './read-strategy.ts';
import { dayStep, wholeOf } from './returns.ts';

const accountMethod = 'OWN_TRADES_PURCHASES_PAID_IN_PROCEEDS_TAKEN_OUT';

export const strategyQuery = defineQuery({
  method: AnalysisQueryService.method.getStrategyPerformance,
  views: [strategies, positions, trades, dailyCloses, instruments],
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
    const performance = [];
    const byCurrency = Map.groupBy(wanted, ({ quoteCurrency }) => quoteCurrency);
    for (const [currency, held] of [...byCurrency].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const measured = await performanceOf(reader, strategyId, held, asked);
      if (isRejection(measured)) return measured;
      if (measured !== undefined) performance.push({ currency, ...measured });
    }
    return { strategyId, performance };
  },
});

type Asked = {
  readonly period: Partial<Period>;
  readonly riskFreeRate: number;
  readonly annualisationFactor: number;
};

async function performanceOf(
  reader: Reader,
  strategyId: string,
  held: readonly PositionDocument[],
  { period: asked, ...more }: Asked,
): Promise<MessageInitShape<typeof StrategyPerformanceSchema> | Rejection | undefined> {
  const { accounts, history } = await readAccounts(reader, strategyId, held);
  if (history === undefined) return undefined;
  const { known } = history;
  const period = knownPeriod(asked, { from: known.from + 1, to: known.to });
  if (isRejection(period)) return period;
  const start = Math.max(period.from - 1, known.from);
  const valuations = await readValuations(reader, history, { from: start, to: period.to });
  const whole = wholeOf(valuations.days.map(dayStep), measureMethod.timeWeightedReturn);
  return {
    from: dayText(period.from),
    to: dayText(period.to),
    portfolios: new Set(held.map(({ portfolioId }) => portfolioId)).size,
    trades: BigInt(ownTrades(accounts, period)),
    ...(whole !== undefined && {
      startValue: amountText(whole.startValue),
      endValue: amountText(whole.endValue),
      paidIn: amountText(whole.deposits),
      takenOut: amountText(whole.withdrawals),
      gain: amountText(whole.profit),
    }),
    ...measuredOf(valuations, more),
    accountMethod,
  };
}
