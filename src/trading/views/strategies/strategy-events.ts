import { fromJson, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { anyPack, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  TradingStrategyEvent_EventType as EventType,
  type TradingStrategyEventSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { defineView } from '../../../projection/kit.ts';
import type { Found } from '../reading.ts';
import { timeOf } from '../times.ts';
import { type StrategyEvent, strategyEvents } from './strategies.ts';

type StrategyEventDocument = {
  readonly strategyId: string;
  readonly userId: string;
  /** The message's full name, and the message as proto3 JSON. */
  readonly type: string;
  readonly data: JsonObject;
  readonly revision: number;
  readonly occurredAt: number;
};

const schemas = new Map(strategyEvents.map((schema) => [schema.typeName as string, schema]));

/** The history of strategies, event by event, for consumers outside of this system. */
export const strategyHistory = defineView<StrategyEventDocument>({
  name: 'trading_strategy_events',
  version: 1,
  schema: {
    strategyId: { kind: 'keyword', filter: true },
    userId: { kind: 'keyword' },
    type: { kind: 'keyword' },
    data: { kind: 'json' },
    revision: { kind: 'integer', sort: true },
    occurredAt: { kind: 'instant' },
  },
  events: strategyEvents,
  ids: ({ recorded }) => [recorded.id],
  project: (_document, { message, recorded: { revision } }) => {
    const event = message as StrategyEvent;
    return {
      strategyId: event.strategyId,
      userId: event.userId,
      type: event.$typeName,
      data: toJson(schemaOf(event.$typeName), event) as JsonObject,
      revision,
      occurredAt: occurredAt(event),
    };
  },
});

function schemaOf(type: string) {
  const schema = schemas.get(type);
  if (schema === undefined) throw new Error(`${type} is no event of a strategy`);
  return schema;
}

function occurredAt(event: StrategyEvent): number {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.StrategyCreated':
      return timeOf(event.createdAt);
    case 'cipherhorizon.trading.v1.StrategyUpdated':
      return timeOf(event.updatedAt);
    case 'cipherhorizon.trading.v1.StrategyActivated':
      return timeOf(event.activatedAt);
    case 'cipherhorizon.trading.v1.StrategyPaused':
      return timeOf(event.pausedAt);
    case 'cipherhorizon.trading.v1.StrategyDeleted':
      return timeOf(event.deletedAt);
  }
}

/** Activation and pause are updates too. */
const eventTypes: { readonly [type: string]: EventType } = {
  'cipherhorizon.trading.v1.StrategyCreated': EventType.STRATEGY_CREATED,
  'cipherhorizon.trading.v1.StrategyDeleted': EventType.STRATEGY_DELETED,
};

/** The event in its integration form. */
export function toStrategyEvent(found: Found): MessageInitShape<typeof TradingStrategyEventSchema> {
  const document = found.document as unknown as StrategyEventDocument;
  const { type, data, strategyId, userId, revision } = document;
  const schema = schemaOf(type);
  return {
    eventId: found.id,
    aggregateId: strategyId,
    type: eventTypes[type] ?? EventType.STRATEGY_UPDATED,
    payload: anyPack(schema, fromJson(schema, data as Parameters<typeof fromJson>[1])),
    userId,
    revision: BigInt(revision),
    occurredAt: timestampFromMs(document.occurredAt),
  };
}
