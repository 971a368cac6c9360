import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type {
  ProcessRefusal,
  StepAccepted,
  StepCompensated,
  StepCompensationFailed,
  StepCompensationStarted,
  StepCompleted,
  StepFailed,
  StepStarted,
} from '../../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import {
  type Process,
  ProcessState,
  type ProcessStep,
  StepState,
} from '../../gen/cipherhorizon/platform/v1/processes_pb.ts';

export type StepChange =
  | StepStarted
  | StepAccepted
  | StepCompleted
  | StepFailed
  | StepCompensationStarted
  | StepCompensated
  | StepCompensationFailed;

/** Changes the step, and the process where the step turns it back or ends it. */
export function applyToStep(record: Process, step: ProcessStep, event: StepChange): void {
  switch (event.$typeName) {
    case 'cipherhorizon.platform.v1.StepStarted':
      record.runner = event.runner;
      if (event.command !== undefined) step.command = event.command;
      due(step, event.dueAt);
      return;
    case 'cipherhorizon.platform.v1.StepAccepted':
      if (event.receipt !== undefined) step.receipt = event.receipt;
      return;
    case 'cipherhorizon.platform.v1.StepCompleted':
      step.state = StepState.COMPLETED;
      if (event.receipt !== undefined) step.receipt = event.receipt;
      if (event.event !== undefined) step.event = event.event;
      due(step, undefined);
      return;
    case 'cipherhorizon.platform.v1.StepFailed':
      step.state = StepState.FAILED;
      if (event.receipt !== undefined) step.receipt = event.receipt;
      if (event.event !== undefined) step.event = event.event;
      if (event.refusal !== undefined) {
        step.refusal = event.refusal;
        turnBack(record, event.refusal);
      }
      goOn(record);
      due(step, undefined);
      return;
    case 'cipherhorizon.platform.v1.StepCompensationStarted':
      record.runner = event.runner;
      record.compensating = true;
      step.state = StepState.COMPENSATING;
      if (event.command !== undefined) step.compensation = event.command;
      due(step, event.dueAt);
      return;
    case 'cipherhorizon.platform.v1.StepCompensated':
      step.state = StepState.COMPENSATED;
      if (event.receipt !== undefined) step.compensationReceipt = event.receipt;
      goOn(record);
      due(step, undefined);
      return;
    case 'cipherhorizon.platform.v1.StepCompensationFailed':
      step.state = StepState.FAILED;
      if (event.refusal !== undefined) step.compensationRefusal = event.refusal;
      due(step, undefined);
      return;
  }
}

export function due(step: ProcessStep, at: Timestamp | undefined): void {
  if (at === undefined) delete step.dueAt;
  else step.dueAt = at;
}

/** The first reason is the one that stands, until a failure needs an operator. */
export function turnBack(record: Process, reason: ProcessRefusal): void {
  record.compensating = true;
  record.reason ??= reason;
}

/** Also one that had ended: a receipt that comes late is the truth all the same. */
export function goOn(record: Process): void {
  record.state = ProcessState.IN_PROGRESS;
  record.needsOperator = false;
  delete record.endedAt;
}
