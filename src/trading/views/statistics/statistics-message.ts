import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CostBasisMethod,
  CostBasisMethodSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type TradeStatisticsSchema,
  TradeStreakKindSchema,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { enumOf } from '../enums.ts';
import { toMeasure } from '../measures/measure-message.ts';
import type { Streak } from './streaks.ts';
import type { TradeStatistics } from './trade-statistics.ts';

export type StatisticsOf = {
  readonly currency: string;
  readonly groupingMethod: string;
  /** Undefined where there are several. */
  readonly costBasisMethod: string | undefined;
};

export function toStatistics(
  { currency, groupingMethod, costBasisMethod }: StatisticsOf,
  found: TradeStatistics,
): MessageInitShape<typeof TradeStatisticsSchema> {
  const { longestWinning, longestLosing, latest, largestWin, largestLoss } = found;
  return {
    currency,
    groupingMethod,
    costBasisMethod:
      costBasisMethod === undefined
        ? CostBasisMethod.UNSPECIFIED
        : enumOf(CostBasisMethodSchema, costBasisMethod),
    closedTrades: BigInt(found.closedTrades),
    wins: BigInt(found.wins),
    losses: BigInt(found.losses),
    draws: BigInt(found.draws),
    grossProfit: found.grossProfit,
    grossLoss: found.grossLoss,
    netGain: found.netGain,
    ...(largestWin !== undefined && { largestWin }),
    ...(largestLoss !== undefined && { largestLoss }),
    winRate: toMeasure(found.winRate),
    profitFactor: toMeasure(found.profitFactor),
    expectancy: toMeasure(found.expectancy),
    averageWin: toMeasure(found.averageWin),
    averageLoss: toMeasure(found.averageLoss),
    payoffRatio: toMeasure(found.payoffRatio),
    meanReturn: toMeasure(found.meanReturn),
    meanHolding: toMeasure(found.meanHolding),
    medianHolding: toMeasure(found.medianHolding),
    shortestHolding: toMeasure(found.shortestHolding),
    longestHolding: toMeasure(found.longestHolding),
    meanHoldingOfWins: toMeasure(found.meanHoldingOfWins),
    meanHoldingOfLosses: toMeasure(found.meanHoldingOfLosses),
    ...(longestWinning !== undefined && { longestWinning: toStreak(longestWinning) }),
    ...(longestLosing !== undefined && { longestLosing: toStreak(longestLosing) }),
    ...(latest !== undefined && { latest: toStreak(latest) }),
  };
}

function toStreak({ kind, length, from, to, gain }: Streak) {
  return {
    kind: enumOf(TradeStreakKindSchema, kind),
    length,
    from: timestampFromMs(from),
    to: timestampFromMs(to),
    gain,
  };
}
