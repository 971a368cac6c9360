import {
  type Process,
  ProcessActionKindSchema,
  type ProcessStep,
  StepStateSchema,
} from '../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import { enumLabel, formatTime, shortType } from './format.ts';
import type { Output } from './output.ts';
import { oneLine } from './text.ts';

/** A process as an operator reads it: where it stands, each step, what was refused, what is to do. */
export function printProcess(output: Output, process: Process, state: string): void {
  const { definition, definitionVersion, reason, startedBy, action } = process;
  output.heading(`${definition}: ${state}`);
  output.fields([
    ['id', process.processId],
    ['version', String(definitionVersion)],
    ['reason', reason === undefined ? '' : `${reason.code}: ${reason.message}`],
    ['started', formatTime(process.startedAt)],
    ['by', `${shortType(startedBy?.type ?? '')} in ${startedBy?.stream ?? ''}, ${process.actor}`],
    ['part of', process.correlationId],
    ['due', process.endedAt === undefined ? formatTime(process.dueAt) : ''],
    ['ended', formatTime(process.endedAt)],
    ['runner', process.endedAt === undefined ? process.runner : ''],
    ['operator', action === undefined ? '' : actionText(action)],
  ]);
  if (process.data !== undefined) output.print(oneLine(JSON.stringify(process.data)));
  output.table(
    [
      { header: 'STEP', fit: 'below', minimum: 12 },
      { header: 'STATE' },
      { header: 'COMMAND', fit: 'below' },
    ],
    process.steps.map((step) => [
      ...[step.name, step.givenUp ? 'given up' : enumLabel(StepStateSchema, step.state)],
      commandText(step),
    ]),
  );
  for (const step of process.steps) printStep(output, step);
  if (process.needsOperator) {
    output.sentence('');
    output.sentence('To do: put right what the step was refused for, then');
    output.print(`  horizon process retry ${process.processId}`);
    output.sentence('or undo the step by hand, and leave it to the rest:');
    output.print(`  horizon process cancel ${process.processId}`);
  }
}

function commandText({ command, compensation }: ProcessStep): string {
  const names = [command, compensation].flatMap((one) => one?.type ?? []);
  return names.map((name) => shortType(name).replace(/Command$/, '')).join(', ');
}

function printStep(output: Output, step: ProcessStep): void {
  const { name, command, compensation, refusal, compensationRefusal, dueAt } = step;
  const told = (what: string, { code, message }: { code: string; message: string }) =>
    output.sentence(`${name}: ${what} ${oneLine(code)}: ${oneLine(message)}`);
  if (refusal !== undefined) told('failed with', refusal);
  if (compensationRefusal !== undefined) told('its compensation failed with', compensationRefusal);
  if (dueAt !== undefined) output.sentence(`${name}: until ${formatTime(dueAt)}`);
  const sent = compensation ?? command;
  if (compensationRefusal !== undefined && sent !== undefined) {
    output.sentence(`${name}: ${sent.type} ${sent.commandId}`);
    output.print(`  ${oneLine(JSON.stringify(sent.payload ?? {}))}`);
  }
}

function actionText({ kind, by, note, at }: NonNullable<Process['action']>): string {
  const what = enumLabel(ProcessActionKindSchema, kind);
  return `${what} by ${by}, ${formatTime(at)}${note === '' ? '' : `: ${note}`}`;
}
