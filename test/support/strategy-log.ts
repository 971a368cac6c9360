import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { toJson } from '@bufbuild/protobuf';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import {
  type StrategyCreated,
  StrategyCreatedSchema,
  StrategyUpdatedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import type { NewEvent } from '../../src/kernel/event.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { createStory } from './trading-events.ts';

/** Puts strategies of a past into a data directory: each created, and then updated so many times. */
export async function writeStrategies(
  dataDirectory: string,
  { strategies, updates }: { readonly strategies: number; readonly updates: number },
): Promise<void> {
  await using log = createSqliteEventLog({ path: join(dataDirectory, 'events.db') });
  const story = createStory();
  const appends: Promise<unknown>[] = [];
  for (let i = 0; i < strategies; i += 1) {
    const strategyId = randomUUID();
    const { message, recorded } = story.strategy(strategyId, `Past number ${i} of ${i % 97}`);
    const created = toJson(StrategyCreatedSchema, message as StrategyCreated);
    const { createdAt, ...terms } = created as { createdAt: string };
    const eventOf = (type: string, data: object): NewEvent => {
      return { id: randomUUID(), type, data: data as JsonObject, metadata: {} };
    };
    const updated = Array.from({ length: updates }, (_, n) =>
      eventOf(StrategyUpdatedSchema.typeName, {
        ...terms,
        riskProfile: { maxOpenPositions: n + 1 },
        updatedAt: createdAt,
      }),
    );
    const events = [eventOf(StrategyCreatedSchema.typeName, created as object), ...updated];
    appends.push(log.append(recorded.stream, 'no_stream', events));
    if (appends.length % 500 === 0) await Promise.all(appends);
  }
  await Promise.all(appends);
}
