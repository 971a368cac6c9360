import {
  IndicatorSchema,
  StrategyStatus,
  StrategyStatusSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type StrategyFilter,
  StrategySort,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, type RecordOf } from '../../../read/kit.ts';
import { nameOf, protoNameOf } from '../enums.ts';
import { type Condition, named, pageInfo } from '../reading.ts';
import { timeRange } from '../times.ts';
import { strategies } from './strategies.ts';
import { toStrategy } from './strategy-document.ts';
import { strategyHistory, toStrategyEvent } from './strategy-events.ts';

const { method } = TradingQueryService;

export const strategyRecord: RecordOf<{ readonly strategyId: string }> = {
  model: strategies,
  id: ({ strategyId }) => strategyId,
  ownerField: 'userId',
  noun: 'strategy',
};

export const strategyQueries = [
  defineQuery({
    method: method.getStrategy,
    views: [strategies],
    record: strategyRecord,
    answer: async (_query, _context, found) => (found ? { strategy: toStrategy(found) } : {}),
  }),
  defineQuery({
    method: method.watchStrategy,
    views: [strategies],
    record: strategyRecord,
    answer: async (_query, _context, found) => (found ? { strategy: toStrategy(found) } : {}),
  }),
  defineQuery({
    method: method.listStrategyEvents,
    views: [strategies, strategyHistory],
    record: strategyRecord,
    answer: async ({ strategyId }, { reader, page }) => {
      const found = await reader.list(strategyHistory, {
        where: [{ field: 'strategyId', in: [strategyId] }],
        sort: { field: 'revision', descending: false },
        ...page,
      });
      return { events: found.items.map(toStrategyEvent), page: pageInfo(found) };
    },
  }),
  defineQuery({
    method: method.listStrategies,
    views: [strategies],
    answer: async ({ userId, filter, sort, descending }, { reader, page }) => {
      const where = conditionsOf(userId, filter);
      if (isRejection(where)) return where;
      const found = await reader.list(strategies, {
        where,
        sort: { field: sortFields[sort] ?? 'createdAt', descending },
        ...page,
      });
      return { strategies: found.items.map(toStrategy), page: pageInfo(found) };
    },
  }),
  defineQuery({
    method: method.searchStrategies,
    views: [strategies],
    answer: async ({ userId, text, filter, facets }, { reader, page }) => {
      const where = conditionsOf(userId, filter);
      if (isRejection(where)) return where;
      const counted = facets ? ['status', 'indicators'] : [];
      const found = await reader.search(strategies, { text, where, facets: counted, ...page });
      const { highlightsOf, ...more } = named(found, protoFields, (field, value) =>
        protoNameOf(field === 'status' ? StrategyStatusSchema : IndicatorSchema, value),
      );
      const hits = found.items.map((hit) => ({
        strategy: toStrategy(hit),
        score: hit.score,
        highlights: highlightsOf(hit),
      }));
      return { hits, ...more };
    },
  }),
];

const sortFields: { readonly [sort: number]: string } = {
  [StrategySort.CREATED_AT]: 'createdAt',
  [StrategySort.UPDATED_AT]: 'updatedAt',
  [StrategySort.NAME]: 'name',
};

const protoFields = { name: 'strategy_name', status: 'status', indicators: 'indicator' };

/** The strategies of a user that pass the filter: without one, all but the deleted. */
export function conditionsOf(
  userId: string,
  filter: StrategyFilter | undefined,
): readonly Condition[] | Rejection {
  const { statuses = [], indicator = 0, createdFrom, createdUntil } = filter ?? {};
  const created = timeRange('createdAt', 'filter.created_from', createdFrom, createdUntil);
  if (isRejection(created)) return created;
  const wanted = statuses.filter((status) => status !== StrategyStatus.UNSPECIFIED);
  const status: Condition =
    wanted.length === 0
      ? { field: 'status', notIn: [nameOf(StrategyStatusSchema, StrategyStatus.DELETED)] }
      : { field: 'status', in: wanted.map((one) => nameOf(StrategyStatusSchema, one)) };
  return [
    { field: 'userId', in: [userId] },
    status,
    ...(indicator === 0 ? [] : [{ field: 'indicators', in: [nameOf(IndicatorSchema, indicator)] }]),
    ...created,
  ];
}
