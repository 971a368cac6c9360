import type { CommandRecord } from '../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import {
  EventLogService,
  type StoredEvent,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { formatTime, shortType } from './format.ts';
import type { Output } from './output.ts';
import type { Session } from './session.ts';

export type EventQuery = {
  readonly stream?: string;
  readonly types?: readonly string[];
  readonly after?: string;
  readonly backwards?: boolean;
  readonly limit?: number;
  readonly follow?: boolean;
};

export async function* readEvents(session: Session, query: EventQuery): AsyncIterable<StoredEvent> {
  const { types = [], ...rest } = query;
  const answers = session.client(EventLogService).readEvents({ ...rest, types: [...types] });
  for await (const { event } of answers) if (event !== undefined) yield event;
}

/** A stream is read from its beginning or its end: not far into it, the beginning is near. */
const nearStart = 500n;

/** The events that an accepted command has left in its stream. */
export async function eventsOfCommand(
  session: Session,
  { stream, firstRevision, eventCount, commandId }: CommandRecord,
): Promise<StoredEvent[]> {
  const end = firstRevision + BigInt(eventCount);
  const isNear = end <= nearStart;
  const query: EventQuery = isNear ? { stream, limit: Number(end) } : { stream, backwards: true };
  const found: StoredEvent[] = [];
  for await (const event of readEvents(session, query)) {
    if (event.metadata?.$causationId === commandId) found.push(event);
    if (!isNear && event.revision <= firstRevision) break;
  }
  return isNear ? found : found.reverse();
}

/** `2 StrategyCreated`, who, when, and the data. */
export function printEvent(
  output: Output,
  event: StoredEvent,
  { withMetadata }: { readonly withMetadata: boolean },
): void {
  const { revision, type, storedAt, data, metadata, eventId, stream } = event;
  output.heading(`${revision}  ${shortType(type)}  ${formatTime(storedAt)}`);
  output.fields([
    ['event', eventId],
    ['type', type],
    ['stream', stream],
    ['by', textOf(metadata?.actor)],
    ['command', textOf(metadata?.$causationId)],
  ]);
  output.print(JSON.stringify(data ?? {}, null, 2));
  if (withMetadata) output.print(`metadata ${JSON.stringify(metadata ?? {}, null, 2)}`);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
