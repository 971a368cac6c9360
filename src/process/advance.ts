import { create } from '@bufbuild/protobuf';
import {
  ProcessCompensatedSchema,
  ProcessCompletedSchema,
  ProcessFailedSchema,
  StepCompensationStartedSchema,
  StepStartedSchema,
} from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import { buildCommand } from './command.ts';
import { compensated, completed, failedStep, notCompensated, stepAt } from './decide.ts';
import { at, type ProcessEvent } from './events.ts';
import type { ProcessDefinition, StepDefinition } from './kit.ts';
import { fromCommand } from './messages.ts';
import type { Command, Process, Refusal, StepState } from './state.ts';

export type AdvanceContext = {
  /** undefined: no such version is known here any more. */
  readonly definition: ProcessDefinition | undefined;
  /** Who will send the command. */
  readonly runner: string;
  readonly nowMs: number;
};

/**
 * What follows from the state by itself: the next event or events, none where the process waits for
 * something or has ended. The caller goes on until there is none.
 */
export function advance(process: Process, context: AdvanceContext): readonly ProcessEvent[] {
  const { stage } = process;
  switch (stage.kind) {
    case 'advancing':
      return startStep(process, stage.step, context);
    case 'resolving': {
      const step = stepAt(process, stage.step);
      // Accepted, and waiting for an event: nothing is unknown.
      if (step.receipt === undefined) return [];
      return [failedStep(process, step, stage.why, { happened: true }, context.nowMs)];
    }
    case 'turning':
      return startCompensation(process, context);
    case 'running':
    case 'compensating':
    case 'completed':
    case 'compensated':
    case 'failed':
      return [];
  }
}

function startStep(
  process: Process,
  index: number,
  { definition, runner, nowMs }: AdvanceContext,
): readonly ProcessEvent[] {
  const step = process.steps[index];
  if (step === undefined) {
    return [create(ProcessCompletedSchema, { processId: process.id, completedAt: at(nowMs) })];
  }
  const plan = planOf(process, step, definition);
  if ('code' in plan) return [failedStep(process, step, plan, { happened: false }, nowMs)];
  const command = buildCommand(plan.definition, process, step.name, 'step', plan.step.command);
  if (command === undefined) return [completed(process, step, {}, nowMs)];
  if ('code' in command) return [failedStep(process, step, command, { happened: false }, nowMs)];
  const dueMs = nowMs + plan.step.timeLimitMs;
  const event = create(StepStartedSchema, {
    processId: process.id,
    step: step.name,
    command: fromCommand(command),
    startedAt: at(nowMs),
    dueAt: at(dueMs),
    resolveBy: at(dueMs + plan.step.timeLimitMs),
    runner,
  });
  return [event];
}

/** The last step that has happened and is not undone; the end where there is none. */
function startCompensation(process: Process, context: AdvanceContext): readonly ProcessEvent[] {
  const { nowMs, runner } = context;
  const step = process.steps.findLast(isToUndo);
  if (step === undefined) return [turned(process, nowMs)];
  const plan = planOf(process, step, context.definition);
  if ('code' in plan) return notCompensated(process, step, plan, nowMs);
  const made = compensationOf(process, step, plan);
  if (made === undefined) return [compensated(process, step, undefined, nowMs)];
  if ('code' in made) return notCompensated(process, step, made, nowMs);
  const limitMs = plan.step.compensationTimeLimitMs ?? plan.step.timeLimitMs;
  const event = create(StepCompensationStartedSchema, {
    processId: process.id,
    step: step.name,
    command: fromCommand(made),
    startedAt: at(nowMs),
    dueAt: at(nowMs + limitMs),
    runner,
  });
  return [event];
}

function isToUndo({ happened, phase, givenUp }: StepState): boolean {
  return happened && givenUp !== true && phase !== 'COMPENSATED';
}

function turned(process: Process, nowMs: number): ProcessEvent {
  const processId = process.id;
  const givenUp = process.steps.find((step) => step.givenUp);
  if (givenUp === undefined) {
    return create(ProcessCompensatedSchema, { processId, compensatedAt: at(nowMs) });
  }
  const reason = { code: 'GIVEN_UP', message: `an operator has given up ${givenUp.name}` };
  const failedAt = at(nowMs);
  const step = givenUp.name;
  return create(ProcessFailedSchema, { processId, step, reason, failedAt, settled: true });
}

type Plan = { readonly definition: ProcessDefinition; readonly step: StepDefinition };

function planOf(
  process: Process,
  { name }: StepState,
  definition: ProcessDefinition | undefined,
): Plan | Refusal {
  const step = definition?.steps.find((one) => one.name === name);
  if (definition !== undefined && step !== undefined) return { definition, step };
  const what = `${process.definition}, version ${process.version}`;
  return { code: 'DEFINITION_UNKNOWN', message: `no step '${name}' of ${what} is known here` };
}

/** A command that may have been sent is never another one. */
function compensationOf(
  process: Process,
  step: StepState,
  { definition, step: plan }: Plan,
): Command | Refusal | undefined {
  if (step.compensation !== undefined) return step.compensation;
  if (plan.compensation === 'nothing to undo') return undefined;
  return buildCommand(definition, process, step.name, 'compensation', plan.compensation);
}
