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
  readonly steps: {
    readonly [name: string]: Pick<StepState, 'phase' | 'receipt' | 'event' | 'refusal'>;
  };
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

/** What is open: whatever `target` names wants the events of `key`. */
export type Interest<Data extends JsonObject = JsonObject> = {
  /** Whose commands keep their order: the id of an aggregate, such as an order's or a run's. */
  readonly target: string;
  /** Which events it is interested in; they are found by it, whatever the number of interests. */
  readonly key: string;
  /** What building a command needs of the event that opened it. */
  readonly data: Data;
};

/** An interest, and what opened it. */
export type OpenInterest<Data extends JsonObject = JsonObject> = Interest<Data> & {
  readonly openedBy: Pick<RecordedEvent, 'id' | 'type' | 'stream' | 'revision' | 'position'>;
  /** Who sent the command that it was opened with. */
  readonly actor: string;
  readonly roles: readonly string[];
  /** Of the event that opened it; the events of the policy's commands bear it too. */
  readonly correlationId: string;
};

/** An event that opens an interest; of a target that has one, it is replaced. */
export type OpeningDefinition<Desc extends DescMessage, Data extends JsonObject> = {
  readonly event: Desc;
  /** Undefined where the event opens none, and changes none. */
  readonly interest: (
    message: MessageShape<Desc>,
    recorded: RecordedEvent,
  ) => Interest<Data> | undefined;
};

/**
 * An event that ends the interest of a target. What events before it have led to and has not been
 * sent yet is not sent any more.
 */
export type ClosingDefinition<Desc extends DescMessage> = {
  readonly event: Desc;
  readonly target: (message: MessageShape<Desc>, recorded: RecordedEvent) => string | undefined;
};

/** An event that leads to one command for each interest of its key. */
export type ReactionDefinition<Desc extends DescMessage, Data extends JsonObject> = {
  readonly event: Desc;
  /** Undefined where nobody can be interested. */
  readonly key: (message: MessageShape<Desc>, recorded: RecordedEvent) => string | undefined;
  /** Undefined where the interest needs none of this event. */
  readonly command: (
    interest: OpenInterest<Data>,
    message: MessageShape<Desc>,
    recorded: RecordedEvent,
  ) => { readonly schema: DescMessage; readonly build: () => Message } | undefined;
};

/**
 * Events lead to commands for whatever has declared an interest. An event goes to the interests that
 * events before it have opened; one that is of several kinds leads to commands first, then closes,
 * then opens. Everything in it is pure.
 *
 * The commands of one target are sent in the order of the log, one after another. Every event leads to
 * a command at least once, and its id follows from policy, target and event, so that a repeat is
 * harmless. A command that was refused, or left out because its target closed, may be sent once more,
 * even after later ones: an aggregate that is told what lies behind it (an older candle) has to leave
 * it at that, without an event.
 */
export type PolicyDefinition<Data extends JsonObject = JsonObject> = {
  /** `[a-z][a-z0-9_]*`; ids of commands follow from it. */
  readonly name: string;
  readonly opens: readonly OpeningDefinition<DescMessage, Data>[];
  readonly closes: readonly ClosingDefinition<DescMessage>[];
  readonly on: readonly ReactionDefinition<DescMessage, Data>[];
  /** As whom commands are sent: as who sent the command that opened the interest by default. */
  readonly actsAs?: (interest: OpenInterest<Data>) => Principal;
};

/** Keeps the types of a policy's data together. */
export function definePolicy<Data extends JsonObject>(
  definition: PolicyDefinition<Data>,
): PolicyDefinition {
  return definition as unknown as PolicyDefinition;
}

/** Keeps the type of an event's message. */
export function opensBy<Desc extends DescMessage, Data extends JsonObject>(
  opening: OpeningDefinition<Desc, Data>,
): OpeningDefinition<DescMessage, Data> {
  return opening as unknown as OpeningDefinition<DescMessage, Data>;
}

/** Keeps the type of an event's message. */
export function closesBy<Desc extends DescMessage>(
  closing: ClosingDefinition<Desc>,
): ClosingDefinition<DescMessage> {
  return closing as unknown as ClosingDefinition<DescMessage>;
}

/** Keeps the type of an event's message. */
export function reactsTo<Desc extends DescMessage, Data extends JsonObject>(
  reaction: ReactionDefinition<Desc, Data>,
): ReactionDefinition<DescMessage, Data> {
  return reaction as unknown as ReactionDefinition<DescMessage, Data>;
}

/** The process as its definition is told of it. */
export function viewOf(process: Process): ProcessView {
  const { id, startedBy: cause, actor, roles, correlationId, startedAt, dueAt, data } = process;
  const steps = Object.fromEntries(process.steps.map((step) => [step.name, step]));
  return { id, startedBy: cause, actor, roles, correlationId, startedAt, dueAt, data, steps };
}
