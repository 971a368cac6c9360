import {
  type StrategyActivated,
  StrategyActivatedSchema,
  type StrategyCreated,
  StrategyCreatedSchema,
  type StrategyDeleted,
  StrategyDeletedSchema,
  type StrategyPaused,
  StrategyPausedSchema,
  type StrategyUpdated,
  StrategyUpdatedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { timeOf } from '../times.ts';
import { type StrategyDocument, termsOf } from './strategy-document.ts';

export type StrategyEvent =
  | StrategyCreated
  | StrategyUpdated
  | StrategyActivated
  | StrategyPaused
  | StrategyDeleted;

export const strategyEvents = [
  StrategyCreatedSchema,
  StrategyUpdatedSchema,
  StrategyActivatedSchema,
  StrategyPausedSchema,
  StrategyDeletedSchema,
];

/** Every strategy by its id; deleted ones too, for they are archived. */
export const strategies = defineView<StrategyDocument>({
  name: 'trading_strategies',
  version: 1,
  schema: {
    userId: { kind: 'keyword', filter: true },
    name: { kind: 'keyword', fold: true, sort: true, search: 3 },
    status: { kind: 'keyword', filter: true, facet: true },
    indicators: { kind: 'keyword', many: true, filter: true, facet: true, search: 1 },
    rules: { kind: 'json' },
    riskProfile: { kind: 'json' },
    createdAt: { kind: 'instant', filter: true, sort: true },
    updatedAt: { kind: 'instant', sort: true },
    revision: { kind: 'integer' },
  },
  events: strategyEvents,
  ids: ({ message }) => [(message as StrategyEvent).strategyId],
  project: (document, { message, recorded: { revision } }) => {
    const event = message as StrategyEvent;
    if (event.$typeName === 'cipherhorizon.trading.v1.StrategyCreated') {
      const createdAt = timeOf(event.createdAt);
      const times = { createdAt, updatedAt: createdAt };
      return { userId: event.userId, status: 'DRAFT', ...termsOf(event), ...times, revision };
    }
    if (document === undefined) throw new Error(`${event.$typeName} on no strategy`);
    return { ...document, ...changeBy(event), revision };
  },
});

function changeBy(event: Exclude<StrategyEvent, StrategyCreated>): Partial<StrategyDocument> {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.StrategyUpdated':
      return { ...termsOf(event), updatedAt: timeOf(event.updatedAt) };
    case 'cipherhorizon.trading.v1.StrategyActivated':
      return { status: 'ACTIVE', updatedAt: timeOf(event.activatedAt) };
    case 'cipherhorizon.trading.v1.StrategyPaused':
      return { status: 'PAUSED', updatedAt: timeOf(event.pausedAt) };
    case 'cipherhorizon.trading.v1.StrategyDeleted':
      return { status: 'DELETED', updatedAt: timeOf(event.deletedAt) };
  }
}
