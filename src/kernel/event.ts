import type { JsonObject } from './json.ts';
import type { Position } from './position.ts';
import type { StreamName } from './stream-name.ts';

/** An event to append. `data` is proto3 JSON of the message that `type` names in full. */
export type NewEvent = {
  /** A UUID in lower case. */
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
};

/** An event as the log has it. `data` and `metadata` may be parsed on first use. */
export type RecordedEvent = NewEvent & {
  readonly stream: StreamName;
  /** 0 is the first of its stream. */
  readonly revision: number;
  readonly position: Position;
  /** Milliseconds since 1970, by the store's clock. */
  readonly storedAt: number;
};

/** The names of EventStoreDB, read by its own tools. */
export const correlationKey = '$correlationId';
/** The id of the command that decided the event. */
export const causationKey = '$causationId';
