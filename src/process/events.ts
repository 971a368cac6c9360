import {
  type DescMessage,
  fromJson,
  type Message,
  type JsonValue as ProtoJson,
  toJson,
} from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type ProcessCancelled,
  ProcessCancelledSchema,
  type ProcessCompensated,
  ProcessCompensatedSchema,
  type ProcessCompleted,
  ProcessCompletedSchema,
  type ProcessEventNoted,
  ProcessEventNotedSchema,
  type ProcessFailed,
  ProcessFailedSchema,
  type ProcessRetried,
  ProcessRetriedSchema,
  type ProcessStarted,
  ProcessStartedSchema,
  type ProcessTakenOver,
  ProcessTakenOverSchema,
  type ProcessTimeLimitPassed,
  ProcessTimeLimitPassedSchema,
  type StepAccepted,
  StepAcceptedSchema,
  type StepCompensated,
  StepCompensatedSchema,
  type StepCompensationFailed,
  StepCompensationFailedSchema,
  type StepCompensationStarted,
  StepCompensationStartedSchema,
  type StepCompleted,
  StepCompletedSchema,
  type StepFailed,
  StepFailedSchema,
  type StepStarted,
  StepStartedSchema,
} from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import { streamName } from '../kernel/stream-name.ts';

/** The stream of a process is `process-<id>`. */
export const processCategory = 'process';

export function streamOf(id: string): string {
  return streamName(processCategory, id);
}

export type ProcessEvent =
  | ProcessStarted
  | StepStarted
  | StepAccepted
  | StepCompleted
  | StepFailed
  | ProcessEventNoted
  | ProcessTimeLimitPassed
  | StepCompensationStarted
  | StepCompensated
  | StepCompensationFailed
  | ProcessCompleted
  | ProcessCompensated
  | ProcessFailed
  | ProcessRetried
  | ProcessCancelled
  | ProcessTakenOver;

export const processEventSchemas = [
  ProcessStartedSchema,
  StepStartedSchema,
  StepAcceptedSchema,
  StepCompletedSchema,
  StepFailedSchema,
  ProcessEventNotedSchema,
  ProcessTimeLimitPassedSchema,
  StepCompensationStartedSchema,
  StepCompensatedSchema,
  StepCompensationFailedSchema,
  ProcessCompletedSchema,
  ProcessCompensatedSchema,
  ProcessFailedSchema,
  ProcessRetriedSchema,
  ProcessCancelledSchema,
  ProcessTakenOverSchema,
] as const;

/** After one of these there is a process that has not ended. */
export const revivingTypes: readonly string[] = [
  ProcessStartedSchema,
  ProcessRetriedSchema,
  ProcessCancelledSchema,
  StepFailedSchema,
  StepCompensatedSchema,
].map((schema) => schema.typeName);

const schemas = new Map<string, DescMessage>(
  processEventSchemas.map((schema) => [schema.typeName, schema]),
);

export function isProcessEvent(type: string): boolean {
  return schemas.has(type);
}

/** The event, or undefined for a type that is no process's own (the platform's). */
export function decodeEvent(recorded: RecordedEvent): ProcessEvent | undefined {
  const schema = schemas.get(recorded.type);
  if (schema === undefined) return undefined;
  const message: Message = fromJson(schema, recorded.data as ProtoJson, {
    ignoreUnknownFields: true,
  });
  return message as ProcessEvent;
}

export function encodeEvent(event: ProcessEvent): JsonObject {
  const schema = schemas.get(event.$typeName);
  if (schema === undefined) throw new Error(`${event.$typeName} is no event of a process`);
  return toJson(schema, event as Message) as JsonObject;
}

/** Fractions of a millisecond are not kept. */
export function at(ms: number): Timestamp {
  return timestampFromMs(Math.round(ms));
}

export function msOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : timestampMs(timestamp);
}
