import { SignalStatusSchema } from '../../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import {
  type ListSignalsQuery,
  SignalQueryService,
} from '../../../gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, type RecordOf } from '../../../read/kit.ts';
import { nameOf } from '../enums.ts';
import { type Condition, pageInfo } from '../reading.ts';
import { timeRange } from '../times.ts';
import { toSignal } from './signal-document.ts';
import { signals } from './signals.ts';

const { method } = SignalQueryService;

const signalRecord: RecordOf<{ readonly signalId: string }> = {
  model: signals,
  id: ({ signalId }) => signalId,
  ownerField: 'userId',
  noun: 'signal',
};

export const signalQueries = [
  defineQuery({
    method: method.getSignal,
    views: [signals],
    record: signalRecord,
    answer: async (_query, _context, found) => (found ? { signal: toSignal(found) } : {}),
  }),
  defineQuery({
    method: method.watchSignal,
    views: [signals],
    record: signalRecord,
    answer: async (_query, _context, found) => (found ? { signal: toSignal(found) } : {}),
  }),
  defineQuery({
    method: method.listSignals,
    views: [signals],
    answer: async (query, { reader, page }) => {
      const where = conditionsOf(query);
      if (isRejection(where)) return where;
      const sort = { field: 'acceptedAt', descending: true };
      const found = await reader.list(signals, { where, sort, ...page });
      return { signals: found.items.map(toSignal), page: pageInfo(found) };
    },
  }),
];

function conditionsOf(query: ListSignalsQuery): readonly Condition[] | Rejection {
  const { userId, portfolioId, strategyId, instrumentId } = query;
  const { acceptedFrom, acceptedUntil } = query;
  const accepted = timeRange('acceptedAt', 'accepted_from', acceptedFrom, acceptedUntil);
  if (isRejection(accepted)) return accepted;
  const statuses = query.statuses.filter((status) => status !== 0);
  const equal = Object.entries({ userId, portfolioId, strategyId, instrumentId })
    .filter(([, value]) => value !== '')
    .map(([field, value]) => ({ field, in: [value] }));
  const inStatus = { field: 'status', in: statuses.map((one) => nameOf(SignalStatusSchema, one)) };
  return [...equal, ...(statuses.length === 0 ? [] : [inStatus]), ...accepted];
}
