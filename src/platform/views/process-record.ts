import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type ProcessCancelled,
  type ProcessCompensated,
  type ProcessCompleted,
  type ProcessEventNoted,
  type ProcessFailed,
  type ProcessRefusal,
  ProcessRefusalSchema,
  type ProcessRetried,
  type ProcessStarted,
  type ProcessTakenOver,
  type ProcessTimeLimitPassed,
} from '../../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import {
  type Process,
  ProcessActionKind,
  ProcessActionSchema,
  ProcessSchema,
  ProcessState,
  StepState,
} from '../../gen/cipherhorizon/platform/v1/processes_pb.ts';
import { applyToStep, due, goOn, type StepChange, turnBack } from './process-step.ts';

export type ProcessChange =
  | ProcessStarted
  | StepChange
  | ProcessEventNoted
  | ProcessTimeLimitPassed
  | ProcessCompleted
  | ProcessCompensated
  | ProcessFailed
  | ProcessRetried
  | ProcessCancelled
  | ProcessTakenOver;

/** A process as it stands when it starts. */
export function startedProcess(event: ProcessStarted): Process {
  const { processId, definition, definitionVersion, data, startedBy, actor } = event;
  const { correlationId, startedAt, dueAt } = event;
  return create(ProcessSchema, {
    ...{ processId, definition, definitionVersion, actor, correlationId },
    state: ProcessState.IN_PROGRESS,
    steps: event.steps.map((name) => ({ name, state: StepState.PENDING })),
    ...(data && { data }),
    ...(startedBy && { startedBy }),
    ...(startedAt && { startedAt, changedAt: startedAt }),
    ...(dueAt && { dueAt }),
  });
}

/** Changes the process, which nobody else has, as the event says. */
export function applyChange(record: Process, event: Exclude<ProcessChange, ProcessStarted>): void {
  const at = timeOf(event);
  if (at !== undefined) record.changedAt = at;
  switch (event.$typeName) {
    case 'cipherhorizon.platform.v1.ProcessTakenOver':
      record.runner = event.runner;
      return;
    case 'cipherhorizon.platform.v1.ProcessTimeLimitPassed': {
      const [code, of] = event.whole
        ? ['PROCESS_TIME_LIMIT', 'the process']
        : ['STEP_TIME_LIMIT', `the step ${event.step}`];
      turnBack(record, because(code, `the time of ${of} was over`));
      return;
    }
    case 'cipherhorizon.platform.v1.ProcessCompleted':
      end(record, ProcessState.COMPLETED, event.completedAt);
      return;
    case 'cipherhorizon.platform.v1.ProcessCompensated':
      end(record, ProcessState.COMPENSATED, event.compensatedAt);
      return;
    case 'cipherhorizon.platform.v1.ProcessFailed':
      end(record, ProcessState.FAILED, event.failedAt);
      record.needsOperator = !event.settled;
      if (event.reason !== undefined) record.reason = event.reason;
      return;
    case 'cipherhorizon.platform.v1.ProcessRetried':
      retried(record, event);
      return;
    case 'cipherhorizon.platform.v1.ProcessCancelled':
      cancelled(record, event);
      return;
    case 'cipherhorizon.platform.v1.ProcessEventNoted':
      return;
    case 'cipherhorizon.platform.v1.StepStarted':
    case 'cipherhorizon.platform.v1.StepAccepted':
    case 'cipherhorizon.platform.v1.StepCompleted':
    case 'cipherhorizon.platform.v1.StepFailed':
    case 'cipherhorizon.platform.v1.StepCompensationStarted':
    case 'cipherhorizon.platform.v1.StepCompensated':
    case 'cipherhorizon.platform.v1.StepCompensationFailed': {
      const step = record.steps.find(({ name }) => name === event.step);
      if (step !== undefined) applyToStep(record, step, event);
    }
  }
}

function end(record: Process, state: ProcessState, at: Timestamp | undefined): void {
  record.state = state;
  record.compensating = false;
  record.needsOperator = false;
  if (at !== undefined) record.endedAt = at;
  for (const step of record.steps) due(step, undefined);
}

function retried(record: Process, event: ProcessRetried): void {
  const { retriedBy: by, note, retriedAt: at } = event;
  const kind = ProcessActionKind.RETRIED;
  record.action = create(ProcessActionSchema, { kind, by, note, ...(at && { at }) });
  goOn(record);
  record.compensating = true;
  const step = record.steps.find(({ name }) => name === event.step);
  if (step === undefined) return;
  if (step.compensation !== undefined) step.state = StepState.COMPENSATING;
  due(step, event.dueAt);
}

function cancelled(record: Process, event: ProcessCancelled): void {
  const { cancelledBy: by, note, cancelledAt: at } = event;
  const kind = ProcessActionKind.CANCELLED;
  record.action = create(ProcessActionSchema, { kind, by, note, ...(at && { at }) });
  goOn(record);
  turnBack(record, because('PROCESS_CANCELLED', `cancelled by ${by}`));
  const step = record.steps.find(({ name }) => name === event.givenUpStep);
  if (step !== undefined) step.givenUp = true;
}

function because(code: string, message: string): ProcessRefusal {
  return create(ProcessRefusalSchema, { code, message });
}

function timeOf(event: Exclude<ProcessChange, ProcessStarted>): Timestamp | undefined {
  for (const [name, value] of Object.entries(event)) {
    if (name.endsWith('At') && name !== 'dueAt') return value as Timestamp | undefined;
  }
  return undefined;
}
