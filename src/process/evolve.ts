import type { ProcessStarted } from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import { msOf, type ProcessEvent } from './events.ts';
import { toCause, toCommand, toReceipt, toRefusal } from './messages.ts';
import type { Process, ProcessState, Stage, StepState } from './state.ts';

/** The state after the event. An event that is not the process's first needs a state. */
export function evolve(state: ProcessState, event: ProcessEvent): ProcessState {
  if (event.$typeName === 'cipherhorizon.platform.v1.ProcessStarted') return start(event);
  return state === undefined ? undefined : change(state, event);
}

function start(event: ProcessStarted): Process {
  const startedAt = msOf(event.startedAt);
  return {
    id: event.processId,
    definition: event.definition,
    version: event.definitionVersion,
    data: event.data ?? {},
    startedBy: toCause(event.startedBy) ?? noCause,
    actor: event.actor,
    roles: event.roles,
    correlationId: event.correlationId,
    startedAt,
    dueAt: msOf(event.dueAt),
    steps: event.steps.map((name) => ({ name, phase: 'PENDING', happened: false })),
    stage: { kind: 'advancing', step: 0 },
    runner: '',
    changedAt: startedAt,
  };
}

const noCause = { eventId: '', type: '', stream: '', revision: -1, data: {} };

function change(state: Process, event: Exclude<ProcessEvent, ProcessStarted>): Process {
  switch (event.$typeName) {
    case 'cipherhorizon.platform.v1.StepStarted': {
      const step = indexOf(state, event.step);
      const startedAt = msOf(event.startedAt);
      const times = { startedAt, dueAt: msOf(event.dueAt), resolveBy: msOf(event.resolveBy) };
      const next = withStep(state, step, given({ command: toCommand(event.command) }));
      return to(next, startedAt, { kind: 'running', step, ...times }, event.runner);
    }
    case 'cipherhorizon.platform.v1.StepAccepted': {
      const changes = { happened: true, ...given({ receipt: toReceipt(event.receipt) }) };
      return to(withStep(state, indexOf(state, event.step), changes), msOf(event.acceptedAt));
    }
    case 'cipherhorizon.platform.v1.StepCompleted': {
      const step = indexOf(state, event.step);
      const next = withStep(state, step, {
        phase: 'COMPLETED',
        happened: state.steps[step]?.happened === true || event.receipt !== undefined,
        ...given({ receipt: toReceipt(event.receipt), event: toCause(event.event) }),
      });
      return to(next, msOf(event.completedAt), { kind: 'advancing', step: step + 1 });
    }
    case 'cipherhorizon.platform.v1.StepFailed': {
      const next = withStep(state, indexOf(state, event.step), {
        phase: 'FAILED',
        happened: event.happened,
        refusal: toRefusal(event.refusal),
        ...given({ receipt: toReceipt(event.receipt), event: toCause(event.event) }),
      });
      // A receipt that came late does not disturb the compensation of another step.
      const isBusy = state.stage.kind === 'compensating';
      return to(next, msOf(event.failedAt), isBusy ? state.stage : { kind: 'turning' });
    }
    case 'cipherhorizon.platform.v1.ProcessEventNoted': {
      const step = indexOf(state, event.step);
      const cause = toCause(event.event) ?? noCause;
      const noted = [...(state.steps[step]?.noted ?? []), cause];
      return to(withStep(state, step, { noted }), msOf(event.notedAt));
    }
    case 'cipherhorizon.platform.v1.ProcessTimeLimitPassed': {
      const code = event.whole ? 'PROCESS_TIME_LIMIT' : 'STEP_TIME_LIMIT';
      const of = event.whole ? 'the process' : `the step ${event.step}`;
      const why = { code, message: `the time of ${of} was over` };
      return to(state, msOf(event.passedAt), resolving(state.stage, why));
    }
    case 'cipherhorizon.platform.v1.StepCompensationStarted': {
      const step = indexOf(state, event.step);
      const startedAt = msOf(event.startedAt);
      const dueAt = msOf(event.dueAt);
      const compensation = toCommand(event.command);
      const next = withStep(state, step, { phase: 'COMPENSATING', ...given({ compensation }) });
      const times = { startedAt, dueAt, resolveBy: dueAt };
      return to(next, startedAt, { kind: 'compensating', step, ...times }, event.runner);
    }
    case 'cipherhorizon.platform.v1.StepCompensated': {
      const compensationReceipt = toReceipt(event.receipt);
      const changes = { phase: 'COMPENSATED' as const, ...given({ compensationReceipt }) };
      const next = withStep(state, indexOf(state, event.step), changes);
      return to(next, msOf(event.compensatedAt), { kind: 'turning' });
    }
    case 'cipherhorizon.platform.v1.StepCompensationFailed': {
      const step = indexOf(state, event.step);
      const compensationRefusal = toRefusal(event.refusal);
      const next = withStep(state, step, { phase: 'FAILED', compensationRefusal });
      return to(next, msOf(event.failedAt), {
        kind: 'failed',
        stuck: { at: 'compensation', step },
        limitMs: limitOf(state.stage),
        settled: false,
      });
    }
    case 'cipherhorizon.platform.v1.ProcessCompleted':
      return to(state, msOf(event.completedAt), { kind: 'completed' });
    case 'cipherhorizon.platform.v1.ProcessCompensated':
      return to(state, msOf(event.compensatedAt), { kind: 'compensated' });
    case 'cipherhorizon.platform.v1.ProcessFailed':
      return to(state, msOf(event.failedAt), failed(state, event.settled));
    case 'cipherhorizon.platform.v1.ProcessTakenOver':
      return to(state, msOf(event.takenOverAt), state.stage, event.runner);
    case 'cipherhorizon.platform.v1.ProcessRetried':
      return retried(state, msOf(event.retriedAt), msOf(event.dueAt));
    case 'cipherhorizon.platform.v1.ProcessCancelled': {
      const why = { code: 'PROCESS_CANCELLED', message: `cancelled by ${event.cancelledBy}` };
      return cancelled(state, msOf(event.cancelledAt), why);
    }
  }
}

function resolving(stage: Stage, why: { code: string; message: string }): Stage {
  return stage.kind === 'running' ? { ...stage, kind: 'resolving', why } : stage;
}

function failed(state: Process, settled: boolean): Stage {
  const { stage } = state;
  if (stage.kind === 'resolving') {
    const stuck = { at: 'outcome', why: stage.why, step: stage.step } as const;
    return { kind: 'failed', stuck, limitMs: limitOf(stage), settled };
  }
  if (stage.kind === 'failed') return { ...stage, settled };
  // Settled: what was given up is told by its step.
  const step = state.steps.findIndex(({ givenUp }) => givenUp === true);
  return { kind: 'failed', stuck: { at: 'compensation', step }, limitMs: 0, settled };
}

function retried(state: Process, retriedAt: number, dueAt: number): Process {
  const { stage } = state;
  if (stage.kind !== 'failed') return to(state, retriedAt);
  const { step } = stage.stuck;
  const times = { step, startedAt: retriedAt, dueAt, resolveBy: dueAt };
  if (stage.stuck.at === 'outcome') {
    return to(state, retriedAt, { kind: 'resolving', why: stage.stuck.why, ...times });
  }
  // One that could not be built is built anew.
  if (state.steps[step]?.compensation === undefined) {
    return to(state, retriedAt, { kind: 'turning' });
  }
  const next = withStep(state, step, { phase: 'COMPENSATING' });
  return to(next, retriedAt, { kind: 'compensating', ...times });
}

function cancelled(state: Process, at: number, why: { code: string; message: string }): Process {
  const { stage } = state;
  if (stage.kind === 'running') return to(state, at, resolving(stage, why));
  if (stage.kind === 'advancing') return to(state, at, { kind: 'turning' });
  if (stage.kind !== 'failed') return to(state, at);
  return to(withStep(state, stage.stuck.step, { givenUp: true }), at, { kind: 'turning' });
}

function limitOf(stage: Stage): number {
  switch (stage.kind) {
    case 'running':
    case 'resolving':
      return stage.resolveBy - stage.dueAt || stage.dueAt - stage.startedAt;
    case 'compensating':
      return stage.dueAt - stage.startedAt;
    case 'failed':
      return stage.limitMs;
    case 'advancing':
    case 'turning':
    case 'completed':
    case 'compensated':
      return 0;
  }
}

/** @throws Error where the stream names a step that its first event does not */
function indexOf({ id, steps }: Process, name: string): number {
  const index = steps.findIndex((step) => step.name === name);
  if (index < 0) throw new Error(`process ${id} has no step '${name}'`);
  return index;
}

function withStep(state: Process, index: number, changes: Partial<StepState>): Process {
  const steps = state.steps.map((step, at) => (at === index ? { ...step, ...changes } : step));
  return { ...state, steps };
}

function to(state: Process, changedAt: number, stage = state.stage, runner = state.runner) {
  return { ...state, stage, runner, changedAt };
}

/** Only what there is: an absent field of the event leaves the state's as it is. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as never;
}
