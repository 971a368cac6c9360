import {
  type DescMessage,
  fromJson,
  getOption,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { sensitive } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import { isProcessEvent } from './events.ts';
import {
  type CompletionDefinition,
  type ProcessDefinition,
  type StartDefinition,
  viewOf,
} from './kit.ts';
import type { Cause, Process, Refusal } from './state.ts';

/** What an event means to a step that waits for one. */
export type Verdict =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly refusal: Refusal; readonly happened: boolean };

export type StartRoute = {
  readonly definition: ProcessDefinition;
  readonly start: StartDefinition<DescMessage, never>;
};

export type CompletionRoute = {
  readonly definition: ProcessDefinition;
  readonly step: number;
  readonly completion: CompletionDefinition<DescMessage, never>;
  /** Under which the keys of declared correlation are looked up; undefined: by `$correlationId`. */
  readonly index: string | undefined;
};

export type Definitions = {
  readonly all: readonly ProcessDefinition[];
  readonly of: (name: string, version: number) => ProcessDefinition | undefined;
  /** By full type name of the event. */
  readonly starts: ReadonlyMap<string, readonly StartRoute[]>;
  readonly completions: ReadonlyMap<string, readonly CompletionRoute[]>;
  /** Of all events that a definition names. */
  readonly eventTypes: readonly string[];
};

const nameForm = /^[a-z][a-z0-9_]*$/;

/**
 * What is looked up of definitions, worked out once.
 * @throws Error at start, naming what a definition lacks
 */
export function createDefinitions(all: readonly ProcessDefinition[]): Definitions {
  const byName = new Map<string, ProcessDefinition>();
  const newest = new Map<string, ProcessDefinition>();
  for (const definition of all) {
    check(definition);
    const { name, version } = definition;
    if (byName.has(`${name}@${version}`)) throw new Error(`two processes ${name}@${version}`);
    byName.set(`${name}@${version}`, definition);
    if (version > (newest.get(name)?.version ?? 0)) newest.set(name, definition);
  }
  const starts = new Map<string, StartRoute[]>();
  for (const definition of newest.values()) {
    for (const start of definition.starts) {
      add(starts, start.event.typeName, { definition, start: start as never });
    }
  }
  const completions = new Map<string, CompletionRoute[]>();
  for (const definition of all) {
    for (const route of completionsOf(definition)) {
      add(completions, route.completion.event.typeName, route);
    }
  }
  return {
    all,
    of: (name, version) => byName.get(`${name}@${version}`),
    starts,
    completions,
    eventTypes: [...new Set([...starts.keys(), ...completions.keys()])],
  };
}

export function completionsOf(definition: ProcessDefinition): readonly CompletionRoute[] {
  const { name, version } = definition;
  return definition.steps.flatMap(({ completedBy = [] }, step) =>
    completedBy.map((completion, nth) => ({
      definition,
      step,
      completion: completion as never,
      index: completion.correlation === undefined ? undefined : `${name}@${version}/${step}/${nth}`,
    })),
  );
}

/** What the event means to the step; undefined where it means nothing to it. */
export function verdictOf(
  definition: ProcessDefinition,
  process: Process,
  step: number,
  cause: Cause,
): Verdict | undefined {
  const view = viewOf(process);
  for (const completion of definition.steps[step]?.completedBy ?? []) {
    if (completion.event.typeName !== cause.type) continue;
    const message = decode(completion.event, cause.data);
    if (completion.accepts?.(message, view) === false) continue;
    const refusal = completion.fails?.(message, view);
    if (refusal === undefined) return { kind: 'completed' };
    return { kind: 'failed', refusal, happened: completion.compensate === true };
  }
  return undefined;
}

export function decode(schema: DescMessage, data: RecordedEvent['data']): Message {
  return fromJson(schema, data as JsonValue, { ignoreUnknownFields: true });
}

function check(definition: ProcessDefinition): void {
  const { name, version, steps, starts, timeLimitMs } = definition;
  const fail = (what: string) => new Error(`process ${name}@${version}: ${what}`);
  if (!nameForm.test(name)) throw fail('its name is not [a-z][a-z0-9_]*');
  if (!Number.isInteger(version) || version < 1) throw fail('its version is not 1, 2, ..');
  if (steps.length === 0) throw fail('it has no steps');
  if (new Set(steps.map((step) => step.name)).size < steps.length) {
    throw fail('two steps have one name');
  }
  const limits = steps.flatMap((step) => [step.timeLimitMs, step.compensationTimeLimitMs ?? 1]);
  if (![timeLimitMs, ...limits].every((ms) => Number.isFinite(ms) && ms > 0)) {
    throw fail('a time limit is not a positive number of milliseconds');
  }
  for (const { command, compensation } of steps) {
    refuseSecrets(command.schema, fail);
    if (compensation !== 'nothing to undo') refuseSecrets(compensation.schema, fail);
  }
  const named = [...starts, ...steps.flatMap(({ completedBy = [] }) => completedBy)];
  for (const { event } of named) refuseSecrets(event, fail);
  const own = named.find(({ event }) => isProcessEvent(event.typeName));
  if (own !== undefined) throw fail(`${own.event.typeName} is an event of processes themselves`);
}

/** Commands and events are kept in the events of the process, where no secret may be. */
function refuseSecrets(
  schema: DescMessage,
  fail: (what: string) => Error,
  seen = new Set<string>(),
): void {
  if (seen.has(schema.typeName)) return;
  seen.add(schema.typeName);
  const secret = schema.fields.find((field) => getOption(field, sensitive));
  if (secret !== undefined) throw fail(`${schema.typeName}.${secret.name} is sensitive`);
  for (const { message } of schema.fields) {
    if (message !== undefined) refuseSecrets(message, fail, seen);
  }
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
