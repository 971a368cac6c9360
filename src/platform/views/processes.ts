import { clone, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  ProcessCancelledSchema,
  ProcessCompensatedSchema,
  ProcessCompletedSchema,
  ProcessEventNotedSchema,
  ProcessFailedSchema,
  ProcessRetriedSchema,
  ProcessStartedSchema,
  ProcessTakenOverSchema,
  ProcessTimeLimitPassedSchema,
  StepAcceptedSchema,
  StepCompensatedSchema,
  StepCompensationFailedSchema,
  StepCompensationStartedSchema,
  StepCompletedSchema,
  StepFailedSchema,
  StepStartedSchema,
} from '../../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import {
  type Process,
  ProcessSchema,
  ProcessState,
} from '../../gen/cipherhorizon/platform/v1/processes_pb.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { defineView } from '../../projection/kit.ts';
import { applyChange, type ProcessChange, startedProcess } from './process-record.ts';

/** Names of states, as documents have them. */
export const stateNames: Readonly<Record<string, ProcessState>> = {
  IN_PROGRESS: ProcessState.IN_PROGRESS,
  COMPLETED: ProcessState.COMPLETED,
  FAILED: ProcessState.FAILED,
  COMPENSATED: ProcessState.COMPENSATED,
};

/** Every process: what lists filter and sort by, and the whole as proto3 JSON of its message. */
export const processes = defineView({
  name: 'platform_processes',
  version: 1,
  schema: {
    definition: { kind: 'keyword', filter: true },
    state: { kind: 'keyword', filter: true },
    needsOperator: { kind: 'boolean', filter: true },
    correlationId: { kind: 'keyword', filter: true },
    startedAt: { kind: 'instant', filter: true, sort: true },
    process: { kind: 'json' },
  },
  events: [
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
  ],
  ids: ({ message }) => [(message as ProcessChange).processId],
  project: (document, { message }) => {
    const event = message as ProcessChange;
    if (event.$typeName === 'cipherhorizon.platform.v1.ProcessStarted') {
      return toDocument(startedProcess(clone(ProcessStartedSchema, event)));
    }
    if (document === undefined) return undefined;
    const record = toProcess(document);
    applyChange(record, event);
    return toDocument(record);
  },
});

export function toProcess({ process }: JsonObject): Process {
  return fromJson(ProcessSchema, process as ProtoJson, { ignoreUnknownFields: true });
}

function toDocument(record: Process): JsonObject {
  const { definition, needsOperator, correlationId, state } = record;
  const name = Object.keys(stateNames).find((one) => stateNames[one] === state) ?? '';
  return {
    ...{ definition, needsOperator, correlationId, state: name },
    startedAt: msOf(record.startedAt),
    process: toJson(ProcessSchema, record) as JsonValue,
  };
}

function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}
