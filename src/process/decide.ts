import { create } from '@bufbuild/protobuf';
import {
  ProcessEventNotedSchema,
  ProcessFailedSchema,
  ProcessTakenOverSchema,
  ProcessTimeLimitPassedSchema,
  StepAcceptedSchema,
  StepCompensatedSchema,
  StepCompensationFailedSchema,
  StepCompletedSchema,
  StepFailedSchema,
} from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import type { Verdict } from './catalogue.ts';
import { at, type ProcessEvent } from './events.ts';
import { fromCause, fromReceipt } from './messages.ts';
import {
  type Cause,
  isUnfinished,
  type Process,
  type Purpose,
  type Receipt,
  type Refusal,
  type StepState,
} from './state.ts';

/** What comes to a process that is under way. `nowMs` is the runner's clock. */
export type Input =
  | {
      readonly kind: 'accepted';
      readonly purpose: Purpose;
      readonly step: number;
      readonly receipt: Receipt;
    }
  | {
      readonly kind: 'refused';
      readonly purpose: Purpose;
      readonly step: number;
      readonly refusal: Refusal;
      /** The life that had sent it. */
      readonly runner: string;
    }
  | { readonly kind: 'taken over'; readonly runner: string }
  /** An event of the log, and what it means to the step. */
  | {
      readonly kind: 'event';
      readonly step: number;
      readonly cause: Cause;
      readonly verdict: Verdict;
    }
  /** Time has passed. `fault`: why the command under way has no outcome yet, as far as is known. */
  | { readonly kind: 'time'; readonly fault?: string };

/** What a step's definition says, as far as a decision needs it. */
export type StepFacts = {
  /** The step waits for an event after its command was accepted. */
  readonly waitsForEvent: boolean;
  /** What an event that was noted before means now. */
  readonly verdictOf: (cause: Cause) => Verdict | undefined;
};

/**
 * The events that an input makes of a process; none where it changes nothing, as all that comes
 * after the end. What follows from them (the next step, the next compensation, the end) is `advance`.
 *
 * A receipt is the truth whenever it comes: one that comes after a refusal of the same command (two
 * runners had sent it at once) makes the step one that has happened, and it is compensated.
 */
export function decide(
  process: Process,
  input: Input,
  facts: StepFacts,
  nowMs: number,
): readonly ProcessEvent[] {
  switch (input.kind) {
    case 'accepted':
      return input.purpose === 'step'
        ? stepAccepted(process, input.step, input.receipt, facts, nowMs)
        : compensationAccepted(process, input.step, input.receipt, nowMs);
    case 'refused':
      // Another life sends it by now, and the command may be accepted then.
      if (process.runner !== input.runner) return [];
      return refused(process, input.purpose, input.step, input.refusal, nowMs);
    case 'taken over':
      return takenOver(process, input.runner, nowMs);
    case 'event':
      return eventCame(process, input.step, input.cause, input.verdict, nowMs);
    case 'time':
      return timePassed(process, input.fault, nowMs);
  }
}

function stepAccepted(
  process: Process,
  index: number,
  receipt: Receipt,
  facts: StepFacts,
  nowMs: number,
): readonly ProcessEvent[] {
  const { stage } = process;
  const step = stepAt(process, index);
  if (step.receipt !== undefined || step.givenUp === true) return [];
  const isCurrent = 'step' in stage && stage.step === index;
  const told = firstVerdict(step.noted ?? [], facts);
  if (isCurrent && stage.kind === 'running') {
    if (told !== undefined) {
      return byEvent(process, index, told.cause, told.verdict, receipt, nowMs);
    }
    return facts.waitsForEvent
      ? [accepted(process, step, receipt, nowMs)]
      : [completed(process, step, { receipt }, nowMs)];
  }
  const why = unresolved(process, index);
  if (why !== undefined) {
    const isUndone = told?.verdict.kind === 'failed' && !told.verdict.happened;
    const by = { happened: !isUndone, receipt, ...(told && { event: told.cause }) };
    return [failedStep(process, step, why, by, nowMs)];
  }
  // An event has told the rest already.
  if (step.phase !== 'FAILED' || step.happened || step.event !== undefined) return [];
  const refusal = {
    code: 'ACCEPTED_AFTER_REFUSAL',
    message: `${step.refusal?.code ?? ''}: the command was accepted when it was sent once more`,
  };
  return [failedStep(process, step, refusal, { happened: true, receipt }, nowMs)];
}

/** Why the step will be undone if it has happened, which is asked for, or was in vain. */
function unresolved({ stage }: Process, index: number): Refusal | undefined {
  if (stage.kind === 'resolving' && stage.step === index) return stage.why;
  const isStuck = stage.kind === 'failed' && stage.stuck.at === 'outcome';
  return isStuck && stage.stuck.step === index ? stage.stuck.why : undefined;
}

function compensationAccepted(
  process: Process,
  index: number,
  receipt: Receipt,
  nowMs: number,
): readonly ProcessEvent[] {
  const { stage } = process;
  const step = stepAt(process, index);
  if (step.phase === 'COMPENSATED' || step.givenUp === true) return [];
  const isUnderWay = stage.kind === 'compensating' && stage.step === index;
  const isStuck =
    stage.kind === 'failed' && stage.stuck.at === 'compensation' && stage.stuck.step === index;
  return isUnderWay || isStuck ? [compensated(process, step, receipt, nowMs)] : [];
}

function refused(
  process: Process,
  purpose: Purpose,
  index: number,
  refusal: Refusal,
  nowMs: number,
): readonly ProcessEvent[] {
  const { stage } = process;
  const step = stepAt(process, index);
  if (!('step' in stage) || stage.step !== index) return [];
  if (purpose === 'compensation') {
    return stage.kind === 'compensating' ? notCompensated(process, step, refusal, nowMs) : [];
  }
  const isOpen = stage.kind === 'running' || stage.kind === 'resolving';
  if (!isOpen || step.receipt !== undefined) return [];
  return [failedStep(process, step, refusal, { happened: false }, nowMs)];
}

function eventCame(
  process: Process,
  index: number,
  cause: Cause,
  verdict: Verdict,
  nowMs: number,
): readonly ProcessEvent[] {
  const { stage } = process;
  if (process.steps.some((step) => hasSeen(step, cause))) return [];
  if (stage.kind !== 'running' || stage.step > index) return [];
  const step = stepAt(process, index);
  if (step.receipt !== undefined) return byEvent(process, index, cause, verdict, undefined, nowMs);
  // Whoever sent the event: whether the step's own command has taken effect only its receipt tells.
  const event = create(ProcessEventNotedSchema, {
    ...of(process, step),
    event: fromCause(cause),
    notedAt: at(nowMs),
  });
  return [event];
}

function byEvent(
  process: Process,
  index: number,
  cause: Cause,
  verdict: Verdict,
  receipt: Receipt | undefined,
  nowMs: number,
): readonly ProcessEvent[] {
  const step = stepAt(process, index);
  const known = receipt === undefined ? {} : { receipt };
  if (verdict.kind === 'completed') {
    return [completed(process, step, { ...known, event: cause }, nowMs)];
  }
  const { refusal, happened } = verdict;
  return [failedStep(process, step, refusal, { ...known, happened, event: cause }, nowMs)];
}

function takenOver(process: Process, runner: string, nowMs: number): readonly ProcessEvent[] {
  if (process.runner === runner || !isUnfinished(process)) return [];
  const { id: processId } = process;
  return [create(ProcessTakenOverSchema, { processId, runner, takenOverAt: at(nowMs) })];
}

function timePassed(
  process: Process,
  fault: string | undefined,
  nowMs: number,
): readonly ProcessEvent[] {
  const { stage } = process;
  if (stage.kind === 'running') return limitPassed(process, stage, nowMs);
  if (stage.kind === 'resolving' && nowMs >= stage.resolveBy) {
    const step = stepAt(process, stage.step);
    const message =
      `it is not known whether the command of the step ${step.name} has taken effect` +
      `${fault === undefined ? '' : `: ${fault}`}; retry asks again, cancel leaves it to you`;
    const reason = { code: 'OUTCOME_UNKNOWN', message };
    return [create(ProcessFailedSchema, { ...of(process, step), reason, failedAt: at(nowMs) })];
  }
  if (stage.kind === 'compensating' && nowMs >= stage.dueAt) {
    const message = `its time was over${fault === undefined ? '' : `: ${fault}`}`;
    const refusal = { code: 'COMPENSATION_TIME_LIMIT', message };
    return notCompensated(process, stepAt(process, stage.step), refusal, nowMs);
  }
  return [];
}

function limitPassed(
  process: Process,
  stage: Extract<Process['stage'], { readonly kind: 'running' }>,
  nowMs: number,
): readonly ProcessEvent[] {
  const dueMs = Math.min(stage.dueAt, process.dueAt);
  if (nowMs < dueMs) return [];
  return [
    create(ProcessTimeLimitPassedSchema, {
      ...of(process, stepAt(process, stage.step)),
      whole: process.dueAt <= stage.dueAt,
      dueAt: at(dueMs),
      passedAt: at(nowMs),
    }),
  ];
}

export function stepAt(process: Process, index: number): StepState {
  const step = process.steps[index];
  if (step === undefined) throw new RangeError(`process ${process.id} has no step ${index}`);
  return step;
}

function firstVerdict(noted: readonly Cause[], facts: StepFacts) {
  for (const cause of noted) {
    const verdict = facts.verdictOf(cause);
    if (verdict !== undefined) return { cause, verdict };
  }
  return undefined;
}

function hasSeen({ event, noted = [] }: StepState, { eventId }: Cause): boolean {
  return event?.eventId === eventId || noted.some((one) => one.eventId === eventId);
}

function of(process: Process, step: StepState) {
  return { processId: process.id, step: step.name };
}

function accepted(process: Process, step: StepState, receipt: Receipt, nowMs: number) {
  return create(StepAcceptedSchema, {
    ...of(process, step),
    receipt: fromReceipt(receipt),
    acceptedAt: at(nowMs),
  });
}

export function completed(
  process: Process,
  step: StepState,
  by: { readonly receipt?: Receipt; readonly event?: Cause },
  nowMs: number,
) {
  return create(StepCompletedSchema, {
    ...of(process, step),
    ...(by.receipt !== undefined && { receipt: fromReceipt(by.receipt) }),
    ...(by.event !== undefined && { event: fromCause(by.event) }),
    completedAt: at(nowMs),
  });
}

export function failedStep(
  process: Process,
  step: StepState,
  refusal: Refusal,
  by: { readonly happened: boolean; readonly receipt?: Receipt; readonly event?: Cause },
  nowMs: number,
) {
  return create(StepFailedSchema, {
    ...of(process, step),
    refusal,
    happened: by.happened,
    ...(by.receipt !== undefined && { receipt: fromReceipt(by.receipt) }),
    ...(by.event !== undefined && { event: fromCause(by.event) }),
    failedAt: at(nowMs),
  });
}

export function compensated(
  process: Process,
  step: StepState,
  receipt: Receipt | undefined,
  nowMs: number,
) {
  return create(StepCompensatedSchema, {
    ...of(process, step),
    ...(receipt !== undefined && { receipt: fromReceipt(receipt) }),
    compensatedAt: at(nowMs),
  });
}

/** The compensation has failed, and with it the process: an operator has to look. */
export function notCompensated(
  process: Process,
  step: StepState,
  refusal: Refusal,
  nowMs: number,
): readonly ProcessEvent[] {
  const message =
    `the step ${step.name} could not be compensated: ${refusal.message} ` +
    '(retry sends the same command again; cancel leaves it to you and compensates the rest)';
  const reason = { code: refusal.code, message };
  const failedAt = at(nowMs);
  return [
    create(StepCompensationFailedSchema, { ...of(process, step), refusal, failedAt }),
    create(ProcessFailedSchema, { ...of(process, step), reason, failedAt }),
  ];
}
