import { fromJson, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CandleIntervalSchema,
  RuleActionSchema,
  TradeSideSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { ExecutionModelSchema } from '../../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import {
  type ListStrategyRunsQuery,
  StrategyRunQueryService,
  type StrategyRunSchema,
  StrategyRunStatusSchema,
} from '../../../gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';
import { defineQuery, type RecordOf } from '../../../read/kit.ts';
import { enumOf, nameOf } from '../enums.ts';
import { type Condition, type Found, pageInfo } from '../reading.ts';
import { type RunDocument, runs } from './runs.ts';

const { method } = StrategyRunQueryService;

const runRecord: RecordOf<{ readonly runId: string }> = {
  model: runs,
  id: ({ runId }) => runId,
  ownerField: 'userId',
  noun: 'run',
};

export const runQueries = [
  defineQuery({
    method: method.getStrategyRun,
    views: [runs],
    record: runRecord,
    answer: async (_query, _context, found) => (found ? { run: toRun(found) } : {}),
  }),
  defineQuery({
    method: method.listStrategyRuns,
    views: [runs],
    answer: async (query, { reader, page }) => {
      const sort = { field: 'startedAt', descending: true };
      const found = await reader.list(runs, { where: conditionsOf(query), sort, ...page });
      return { runs: found.items.map(toRun), page: pageInfo(found) };
    },
  }),
];

function conditionsOf(query: ListStrategyRunsQuery): readonly Condition[] {
  const { userId, strategyId, portfolioId } = query;
  const status = query.status === 0 ? '' : nameOf(StrategyRunStatusSchema, query.status);
  return Object.entries({ userId, strategyId, portfolioId, status })
    .filter(([, value]) => value !== '')
    .map(([field, value]) => ({ field, in: [value] }));
}

function toRun({ id, document }: Found): MessageInitShape<typeof StrategyRunSchema> {
  const run = document as unknown as RunDocument;
  const { userId, strategyId, portfolioId, instrumentId, fraction, goodForCandles } = run;
  const { lastCandle, lastSignalCandle, stoppedAt } = run;
  return {
    ...{ runId: id, userId, strategyId, portfolioId, instrumentId, fraction, goodForCandles },
    interval: enumOf(CandleIntervalSchema, run.interval),
    execution: fromJson(ExecutionModelSchema, run.execution as never),
    status: enumOf(StrategyRunStatusSchema, run.status),
    candles: BigInt(run.candles),
    ...(lastCandle !== undefined && { lastCandle: BigInt(lastCandle) }),
    lastClose: run.lastClose ?? '',
    waiting: enumOf(RuleActionSchema, run.waiting),
    signals: BigInt(run.signals),
    lastSignalSide: enumOf(TradeSideSchema, run.lastSignalSide ?? ''),
    ...(lastSignalCandle !== undefined && { lastSignalCandle: BigInt(lastSignalCandle) }),
    startedAt: timestampFromMs(run.startedAt),
    ...(stoppedAt !== undefined && { stoppedAt: timestampFromMs(stoppedAt) }),
  };
}
