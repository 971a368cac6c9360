import { create } from '@bufbuild/protobuf';
import {
  ProcessCancelledSchema,
  ProcessRetriedSchema,
} from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import {
  type CancelProcessCommand,
  CancelProcessCommandSchema,
  type RetryProcessCommand,
  RetryProcessCommandSchema,
} from '../gen/cipherhorizon/platform/v1/processes_pb.ts';
import type { Decider, DecisionContext } from '../kernel/decider.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import { at, type ProcessEvent, processCategory, processEventSchemas } from './events.ts';
import { evolve } from './evolve.ts';
import type { Process, ProcessState } from './state.ts';

type OperatorCommand = RetryProcessCommand | CancelProcessCommand;

/**
 * What an operator asks of a process, as commands of the command bus: they are authorised, recorded
 * and de-duplicated as all others. The runner follows the stream, and does what they lead to.
 */
export const operatedProcess: Decider<OperatorCommand, ProcessEvent, ProcessState> = {
  category: processCategory,
  commands: [RetryProcessCommandSchema, CancelProcessCommandSchema],
  events: processEventSchemas,
  initial: undefined,
  evolve,
  decide: (command, process, context) => {
    if (process === undefined) {
      const message = `there is no process '${context.id}'`;
      return reject('NOT_FOUND', 'PROCESS_NOT_FOUND', message);
    }
    switch (command.$typeName) {
      case 'cipherhorizon.platform.v1.RetryProcessCommand':
        return retry(command, process, context);
      case 'cipherhorizon.platform.v1.CancelProcessCommand':
        return cancel(command, process, context);
    }
  },
  snapshot: {
    version: 1,
    // The state is plain JSON; an absent one is null.
    toJson: (process) => (process ?? null) as never,
    fromJson: (json) => (json ?? undefined) as ProcessState,
  },
};

function retry(
  { note }: RetryProcessCommand,
  { id, stage, steps }: Process,
  { nowMs, principal }: DecisionContext,
): readonly ProcessEvent[] | Rejection {
  if (stage.kind !== 'failed') {
    const message = `the process ${id} has not failed: only one that has can be tried again`;
    return reject('PRECONDITION', 'PROCESS_NOT_FAILED', message);
  }
  if (stage.settled) {
    const message = `the process ${id} is settled: an operator has given up what could not be done`;
    return reject('PRECONDITION', 'PROCESS_SETTLED', message);
  }
  const event = create(ProcessRetriedSchema, {
    processId: id,
    retriedBy: principal.subject,
    note,
    retriedAt: at(nowMs),
    dueAt: at(nowMs + stage.limitMs),
    step: steps[stage.stuck.step]?.name ?? '',
  });
  return [event];
}

function cancel(
  { note }: CancelProcessCommand,
  { id, stage, steps }: Process,
  { nowMs, principal }: DecisionContext,
): readonly ProcessEvent[] | Rejection {
  const givenUp = stage.kind === 'failed' ? steps[stage.stuck.step] : undefined;
  const event = create(ProcessCancelledSchema, {
    processId: id,
    cancelledBy: principal.subject,
    note,
    cancelledAt: at(nowMs),
    givenUpStep: givenUp?.name ?? '',
  });
  switch (stage.kind) {
    case 'advancing':
    case 'running':
      return [event];
    case 'failed':
      return stage.settled ? [] : [event];
    case 'resolving':
    case 'turning':
    case 'compensating':
    case 'compensated':
      // Already so, or about to be.
      return [];
    case 'completed': {
      const message = `the process ${id} is completed: there is nothing to cancel any more`;
      return reject('PRECONDITION', 'PROCESS_COMPLETED', message);
    }
  }
}
