import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type ListProcessesQuery,
  ProcessQueryService,
  ProcessState,
} from '../../gen/cipherhorizon/platform/v1/processes_pb.ts';
import { defineQuery, notFound, type QueryContext } from '../../read/kit.ts';
import { processes, stateNames, toProcess } from './processes.ts';

const { method } = ProcessQueryService;

type Condition = Parameters<QueryContext['reader']['list']>[1]['where'][number];

export const processQueries = [
  defineQuery({
    method: method.getProcess,
    views: [processes],
    answer: async ({ processId }, { reader }) => found(reader, processId),
  }),
  defineQuery({
    method: method.watchProcess,
    views: [processes],
    answer: async ({ processId }, { reader }) => found(reader, processId),
  }),
  defineQuery({
    method: method.listProcesses,
    views: [processes],
    answer: async (query, { reader, page }) => {
      const { items, next } = await reader.list(processes, {
        where: conditionsOf(query),
        sort: { field: 'startedAt', descending: true },
        ...page,
      });
      return {
        processes: items.map(({ document }) => toProcess(document)),
        page: { nextCursor: next ?? '' },
      };
    },
  }),
];

async function found(reader: QueryContext['reader'], processId: string) {
  const record = await reader.get(processes, processId.toLowerCase());
  if (record === undefined) return notFound('process', processId);
  return { process: toProcess(record.document) };
}

function conditionsOf(query: ListProcessesQuery): readonly Condition[] {
  const { definition, correlationId, needsOperator, startedFrom, startedUntil } = query;
  const states = query.states.filter((state) => state !== ProcessState.UNSPECIFIED);
  const names = Object.keys(stateNames).filter((name) =>
    states.some((state) => stateNames[name] === state),
  );
  const started: Condition = {
    field: 'startedAt',
    ...(startedFrom !== undefined && { from: timestampMs(startedFrom) }),
    ...(startedUntil !== undefined && { until: timestampMs(startedUntil) }),
  };
  return [
    ...(definition === '' ? [] : [{ field: 'definition', in: [definition] }]),
    ...(correlationId === '' ? [] : [{ field: 'correlationId', in: [correlationId] }]),
    ...(names.length === 0 ? [] : [{ field: 'state', in: names }]),
    ...(needsOperator ? [{ field: 'needsOperator', in: [true] }] : []),
    ...(startedFrom === undefined && startedUntil === undefined ? [] : [started]),
  ];
}
