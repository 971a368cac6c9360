import {
  type GetPortfolioTradeStatisticsQuery,
  RoundTripGrouping,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { millisecondsPerDay } from '../days.ts';
import type { CostBasisMethod } from '../lots/lot.ts';
import { askedPeriod, type Period } from '../performance/period.ts';
import { type PortfolioDocument, portfolios } from '../portfolios/portfolios.ts';
import { type PositionDocument, positions } from '../portfolios/positions.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { listAll } from '../reading.ts';
import { strategyRecord } from '../strategies/queries.ts';
import { strategies } from '../strategies/strategies.ts';
import { trades } from '../trades/trades.ts';
import { groupingMethod } from './method.ts';
import { readTrades, type TradesOf } from './read-trades.ts';
import { byLot, bySale, type ClosedTrade, roundTripsOf } from './round-trips.ts';
import { toStatistics } from './statistics-message.ts';
import { tradeStatisticsOf } from './trade-statistics.ts';

const { method } = TradingQueryService;

type Asked = Pick<GetPortfolioTradeStatisticsQuery, 'grouping' | 'strategyId'> & {
  readonly period: Partial<Period>;
};

export const statisticsQueries = [
  defineQuery({
    method: method.getPortfolioTradeStatistics,
    views: [portfolios, trades],
    record: portfolioRecord,
    cached: true,
    answer: async (query, { reader }, found) => {
      const period = askedPeriod(query);
      if (isRejection(period)) return period;
      const { portfolioId, instrumentId } = query;
      const portfolio = found?.document as unknown as PortfolioDocument;
      const { baseCurrency: quoteCurrency, costBasisMethod } = portfolio;
      const instrumentIds = instrumentId === '' ? undefined : [instrumentId];
      const of = { portfolioId, quoteCurrency, ...(instrumentIds && { instrumentIds }) };
      const closed = await closedTrades(reader, of, costBasisMethod, { ...query, period });
      const head = {
        ...{ currency: quoteCurrency, costBasisMethod },
        groupingMethod: nameOfGrouping(query.grouping),
      };
      return { portfolioId, statistics: toStatistics(head, tradeStatisticsOf(closed)) };
    },
  }),
  defineQuery({
    method: method.getStrategyTradeStatistics,
    views: [strategies, positions, trades],
    record: strategyRecord,
    cached: true,
    answer: async (query, { reader }, found) => {
      const period = askedPeriod(query);
      if (isRejection(period)) return period;
      const { strategyId } = query;
      const traded = await positionsOf(reader, strategyId, String(found?.document.userId ?? ''));
      const wanted = traded.filter(
        ({ portfolioId, instrumentId }) =>
          (query.portfolioId === '' || query.portfolioId === portfolioId) &&
          (query.instrumentId === '' || query.instrumentId === instrumentId),
      );
      const byCurrency = Map.groupBy(wanted, ({ quoteCurrency }) => quoteCurrency);
      const statistics = [];
      for (const [currency, held] of [...byCurrency].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const closed = await closedOfPositions(reader, held, { ...query, period });
        const methods = new Set(held.map((position) => position.method));
        const head = {
          currency,
          costBasisMethod: methods.size === 1 ? [...methods][0] : undefined,
          groupingMethod: nameOfGrouping(query.grouping),
        };
        statistics.push(toStatistics(head, tradeStatisticsOf(closed)));
      }
      return { strategyId, statistics };
    },
  }),
];

const nameOfGrouping = (grouping: RoundTripGrouping) =>
  grouping === RoundTripGrouping.SALE ? groupingMethod.sale : groupingMethod.lot;

/** The positions that trades of the strategy are in, of its user. */
export async function positionsOf(reader: Reader, strategyId: string, userId: string) {
  const found = await listAll(reader, positions, {
    where: [
      { field: 'strategyIds', in: [strategyId] },
      { field: 'userId', in: [userId] },
    ],
  });
  return found.map(({ document }) => document as unknown as PositionDocument);
}

/** Over several portfolios, in the order of the ends of trades. */
async function closedOfPositions(
  reader: Reader,
  held: readonly PositionDocument[],
  asked: Asked,
): Promise<readonly ClosedTrade[]> {
  const all: ClosedTrade[] = [];
  for (const [portfolioId, own] of Map.groupBy(held, (position) => position.portfolioId)) {
    const [{ quoteCurrency, method: costBasis }] = own as [PositionDocument];
    const instrumentIds = own.map(({ instrumentId }) => instrumentId);
    const of = { portfolioId, quoteCurrency, instrumentIds };
    all.push(...(await closedTrades(reader, of, costBasis, asked)));
  }
  return all.sort((a, b) => a.exitedAt - b.exitedAt);
}

/** All trades up to the end of the period are replayed: the lots of its sales may be older than it. */
async function closedTrades(
  reader: Reader,
  of: TradesOf,
  costBasisMethod: string,
  { grouping, strategyId, period: { from, to } }: Asked,
): Promise<readonly ClosedTrade[]> {
  const until = to === undefined ? {} : { to };
  const { trips } = roundTripsOf(
    costBasisMethod as CostBasisMethod,
    await readTrades(reader, of, until),
  );
  const start = (from ?? Number.NEGATIVE_INFINITY) * millisecondsPerDay;
  const counted = trips.filter(
    (trip) => trip.exitedAt >= start && (strategyId === '' || trip.strategyId === strategyId),
  );
  return grouping === RoundTripGrouping.SALE ? bySale(counted) : byLot(counted);
}
