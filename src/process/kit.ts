import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Process, Refusal, StepState } from './state.ts';

/** What a definition is told of a process: what started it, and what its steps have brought. */
export type ProcessView<Data extends JsonObject = JsonObject> = Pick<
  Process,
  'id' | 'startedBy' | 'actor' | 'roles' | 'correlationId' | 'startedAt' | 'dueAt'
> & {
  readonly data: Data;
  /** By name; a step that has not started yet is there too. */
  readonly steps: { readonly [name: string]: Pick<StepState, 'phase' | 'receipt' | 'event'> };
};

/** An event that starts processes. */
export type StartDefinition<Desc extends DescMessage, Data extends JsonObject> = {
  readonly event: Desc;
  /** The data of the process that the event starts, undefined where it starts none. */
  readonly data: (message: MessageShape<Desc>, recorded: RecordedEvent) => Data | undefined;
  /** Two events that give the same key start one process; the id of the event by default. */
  readonly key?: (message: MessageShape<Desc>, recorded: RecordedEvent) => string;
};

/** An event that a step waits for after its command was accepted. */
export type CompletionDefinition<Desc extends DescMessage, Data extends JsonObject> = {
  readonly event: Desc;
  /**
   * Declared correlation, for events that do not come of the process's own commands: the event is
   * for the processes whose `of` is what its `key` is. By default an event is for the process that
   * its `$correlationId` names. `of` is asked again after every change of the process, and undefined
   * is "not yet".
   */
  readonly correlation?: {
    readonly key: (message: MessageShape<Desc>, recorded: RecordedEvent) => string | undefined;
    readonly of: (process: ProcessView<Data>) => string | undefined;
  };
  /** Whether the event is meant; every one by default. */
  readonly accepts?: (message: MessageShape<Desc>, process: ProcessView<Data>) => boolean;
  /** The event tells that the step has failed, and why. It completes the step by default. */
  readonly fails?: (message: MessageShape<Desc>, process: ProcessView<Data>) => Refusal | undefined;
  /** After such a failure there is something to compensate; by default the event says there isn't. */
  readonly compensate?: boolean;
};

/** Makes the message of a command; undefined where none is needed. Pure, as all of a definition. */
export type CommandDefinition<Data extends JsonObject> = {
  readonly schema: DescMessage;
  readonly build: (process: ProcessView<Data>) => Message | undefined;
};

export type StepDefinition<Data extends JsonObject = JsonObject> = {
  readonly name: string;
  readonly command: CommandDefinition<Data>;
  /** The first of these that comes completes the step; by default its accepted command does. */
  readonly completedBy?: readonly CompletionDefinition<DescMessage, Data>[];
  /** What undoes the step. */
  readonly compensation: CommandDefinition<Data> | 'nothing to undo';
  readonly timeLimitMs: number;
  /** How long the compensating command is sent until it has an outcome; as the step by default. */
  readonly compensationTimeLimitMs?: number;
};

/**
 * A process that spans aggregates. Everything in it is pure, and a change of what it builds or of its
 * steps is a new `version`: processes that are under way end with the version that they started
 * with, which stays in the list of definitions until none is left.
 */
export type ProcessDefinition<Data extends JsonObject = JsonObject> = {
  /** `[a-z][a-z0-9_]*` */
  readonly name: string;
  readonly version: number;
  /** Only the highest version of a name starts processes. */
  readonly starts: readonly StartDefinition<DescMessage, Data>[];
  readonly steps: readonly StepDefinition<Data>[];
  readonly timeLimitMs: number;
  /** As whom commands are sent: as who sent the command that the process started with by default. */
  readonly actsAs?: (process: ProcessView<Data>) => Principal;
};

/** Keeps the types of a process's data together. */
export function defineProcess<Data extends JsonObject>(
  definition: ProcessDefinition<Data>,
): ProcessDefinition {
  return definition as unknown as ProcessDefinition;
}

/** Keeps the type of an event's message. */
export function startedBy<Desc extends DescMessage, Data extends JsonObject>(
  start: StartDefinition<Desc, Data>,
): StartDefinition<DescMessage, Data> {
  return start as unknown as StartDefinition<DescMessage, Data>;
}

/** Keeps the type of an event's message. */
export function completedBy<Desc extends DescMessage, Data extends JsonObject>(
  completion: CompletionDefinition<Desc, Data>,
): CompletionDefinition<DescMessage, Data> {
  return completion as unknown as CompletionDefinition<DescMessage, Data>;
}

/** The process as its definition is told of it. */
export function viewOf(process: Process): ProcessView {
  const { id, startedBy: cause, actor, roles, correlationId, startedAt, dueAt, data } = process;
  const steps = Object.fromEntries(process.steps.map((step) => [step.name, step]));
  return { id, startedBy: cause, actor, roles, correlationId, startedAt, dueAt, data, steps };
}
