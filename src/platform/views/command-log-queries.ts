import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  CommandLogService,
  CommandOutcome,
  type CommandRecordSchema,
  type ListCommandsQuery,
} from '../../gen/cipherhorizon/platform/v1/command_log_pb.ts';
import { isObject } from '../../kernel/json.ts';
import { defineQuery, notFound, type QueryContext } from '../../read/kit.ts';
import { accepted, commandLog, refused } from './command-log.ts';

/** Newest first. */
const mostAttempts = 100;

type Found = NonNullable<Awaited<ReturnType<QueryContext['reader']['get']>>>;
type Condition = Parameters<QueryContext['reader']['list']>[1]['where'][number];

export const commandLogQueries = [
  defineQuery({
    method: CommandLogService.method.getCommand,
    views: [commandLog],
    answer: async (query, { reader }) => {
      const { items } = await reader.list(commandLog, {
        where: [{ field: 'commandId', in: [query.commandId.toLowerCase()] }],
        sort: { field: 'receivedAt', descending: true },
        limit: mostAttempts,
      });
      const attempts = items.map(toRecord);
      const command =
        attempts.find(({ outcome }) => outcome === CommandOutcome.ACCEPTED) ?? attempts[0];
      return command === undefined ? notFound('command', query.commandId) : { command, attempts };
    },
  }),
  defineQuery({
    method: CommandLogService.method.listCommands,
    views: [commandLog],
    answer: async (query, { reader, page }) => {
      const found = await reader.list(commandLog, {
        where: conditionsOf(query),
        sort: { field: 'receivedAt', descending: true },
        ...page,
      });
      return {
        commands: found.items.map(toRecord),
        page: { nextCursor: found.next ?? '' },
      };
    },
  }),
];

const outcomes: Readonly<Record<string, CommandOutcome>> = {
  [accepted]: CommandOutcome.ACCEPTED,
  [refused]: CommandOutcome.REFUSED,
};

function conditionsOf(query: ListCommandsQuery): readonly Condition[] {
  const { actor, type, stream, receivedFrom, receivedUntil } = query;
  const outcome = Object.keys(outcomes).find((name) => outcomes[name] === query.outcome) ?? '';
  const equal = Object.entries({ actor, type, stream, outcome })
    .filter(([, value]) => value !== '')
    .map(([field, value]) => ({ field, in: [value] }));
  if (receivedFrom === undefined && receivedUntil === undefined) return equal;
  return [...equal, receivedBetween(receivedFrom, receivedUntil)];
}

function receivedBetween(from: Timestamp | undefined, until: Timestamp | undefined): Condition {
  return {
    field: 'receivedAt',
    ...(from !== undefined && { from: timestampMs(from) }),
    ...(until !== undefined && { until: timestampMs(until) }),
  };
}

function toRecord({ document }: Found): MessageInitShape<typeof CommandRecordSchema> {
  const { receivedAt, firstRevision, eventCount, payload, roles } = document;
  const text = (field: string) => {
    const value = document[field];
    return typeof value === 'string' ? value : '';
  };
  return {
    commandId: text('commandId'),
    type: text('type'),
    actor: text('actor'),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    outcome: outcomes[text('outcome')] ?? CommandOutcome.UNSPECIFIED,
    code: text('code'),
    message: text('message'),
    stream: text('stream'),
    ...(typeof receivedAt === 'number' && { receivedAt: timestampFromMs(receivedAt) }),
    correlationId: text('correlationId'),
    ...(isObject(payload) && { payload: payload as JsonObject }),
    firstRevision: typeof firstRevision === 'number' ? BigInt(firstRevision) : 0n,
    eventCount: typeof eventCount === 'number' ? eventCount : 0,
    causedBy: text('causedBy'),
  };
}
