import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type CurrencyTradeSummarySchema,
  TradingStrategyQuery_QueryType as QueryType,
  type StrategyTradeSummarySchema,
  TradingQueryService,
  type TradingStrategyQuery,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, notFound, type QueryContext, type Reader } from '../../../read/kit.ts';
import { sumText } from '../amounts.ts';
import {
  type StrategyPerformance,
  strategyPerformance,
  strategyViews,
} from '../analysis/strategy-performance.ts';
import { type PositionDocument, positions, type StrategySums } from '../portfolios/positions.ts';
import { type Found, listAll, pageInfo } from '../reading.ts';
import { conditionsOf } from './queries.ts';
import { strategies } from './strategies.ts';
import { briefStrategy, toStrategy } from './strategy-document.ts';

/** The query that its users have fixed: three kinds of question in one. */
export const combinedQueries = [
  defineQuery({
    method: TradingQueryService.method.tradingStrategy,
    views: strategyViews,
    answer: async (query, context) => {
      const found = await strategiesOf(query, context);
      if (isRejection(found)) return found;
      const { items, page } = found;
      switch (query.type) {
        case QueryType.LIST_STRATEGIES:
          return { strategies: items.map(briefStrategy), page };
        case QueryType.GET_STRATEGY_DETAILS:
          return { strategies: items.map(toStrategy), page };
        case QueryType.PERFORMANCE_ANALYSIS: {
          const performance = await summaries(context.reader, query, items);
          if (isRejection(performance)) return performance;
          return { strategies: items.map(briefStrategy), page, performance };
        }
        default:
          throw new Error(`${query.type} is no kind of question`);
      }
    },
  }),
];

type Strategies = {
  readonly items: readonly Found[];
  readonly page: { readonly nextCursor: string };
};

/** One that is asked for by its id, or a page of all but the deleted ones. */
async function strategiesOf(
  { userId, strategyId, type }: TradingStrategyQuery,
  { reader, page }: QueryContext,
): Promise<Strategies | Rejection> {
  if (strategyId !== '' && type !== QueryType.LIST_STRATEGIES) {
    const found = await reader.get(strategies, strategyId);
    // That of another user does not exist.
    if (found?.document.userId !== userId) return notFound('strategy', strategyId);
    return { items: [found], page: { nextCursor: '' } };
  }
  const where = conditionsOf(userId, undefined);
  if (isRejection(where)) return where;
  const sort = { field: 'createdAt', descending: false };
  const found = await reader.list(strategies, { where, sort, ...page });
  return { items: found.items, page: pageInfo(found) };
}

/**
 * The trades of each strategy in the portfolios of its user, by currency; with its performance where
 * it is the one that is asked for.
 */
async function summaries(
  reader: Reader,
  { userId, strategyId }: TradingStrategyQuery,
  found: readonly Found[],
): Promise<MessageInitShape<typeof StrategyTradeSummarySchema>[] | Rejection> {
  if (found.length === 0) return [];
  const traded = await listAll(reader, positions, {
    where: [
      { field: 'strategyIds', in: found.map(({ id }) => id) },
      { field: 'userId', in: [userId] },
    ],
  });
  const documents = traded.map(({ document }) => document as unknown as PositionDocument);
  const measured =
    strategyId === ''
      ? []
      : await strategyPerformance(reader, strategyId, documents, fromFirstTrade);
  if (isRejection(measured)) return measured;
  const performance = new Map(measured.map((one) => [one.currency, performanceOf(one)]));
  return found.map(({ id }) => ({
    strategyId: id,
    currencies: sumsOf(id, documents).map(([currency, sums]) => ({
      ...toSummary(currency, sums),
      ...performance.get(currency),
    })),
  }));
}

const fromFirstTrade = { period: {}, riskFreeRate: 0, annualisationFactor: 0 };

/** What a summary has of it, for it has the trades as well. */
function performanceOf(
  performance: StrategyPerformance,
): MessageInitShape<typeof CurrencyTradeSummarySchema> {
  const { from = '', to = '', endValue = '', gain = '', accountMethod = '' } = performance;
  const { timeWeightedReturn, moneyWeightedReturn, cagr, volatility } = performance;
  const { sharpe, sortino, maximumDrawdown, calmar } = performance;
  const measures = { timeWeightedReturn, moneyWeightedReturn, cagr, volatility };
  const known = Object.entries({ ...measures, sharpe, sortino, maximumDrawdown, calmar });
  const present = Object.fromEntries(known.filter(([, measure]) => measure !== undefined));
  return { from, to, endValue, gain, accountMethod, ...present };
}

function sumsOf(
  strategyId: string,
  documents: readonly PositionDocument[],
): readonly (readonly [currency: string, sums: StrategySums])[] {
  const byCurrency = new Map<string, StrategySums>();
  for (const { strategies: sums, quoteCurrency } of documents) {
    const more = sums[strategyId];
    if (more === undefined) continue;
    const before = byCurrency.get(quoteCurrency);
    byCurrency.set(quoteCurrency, before === undefined ? more : added(before, more));
  }
  return [...byCurrency].sort(([a], [b]) => (a < b ? -1 : 1));
}

function added(a: StrategySums, b: StrategySums): StrategySums {
  return {
    trades: a.trades + b.trades,
    bought: sumText(a.bought, b.bought),
    sold: sumText(a.sold, b.sold),
    fees: sumText(a.fees, b.fees),
    realised: sumText(a.realised, b.realised),
    wins: a.wins + b.wins,
    losses: a.losses + b.losses,
    draws: a.draws + b.draws,
  };
}

function toSummary(currency: string, sums: StrategySums) {
  const { trades, bought, sold, fees, realised, wins, losses, draws } = sums;
  return {
    currency,
    trades: BigInt(trades),
    ...{ bought, sold, fees },
    realisedGain: realised,
    winningTrades: BigInt(wins),
    losingTrades: BigInt(losses),
    draws: BigInt(draws),
  };
}
