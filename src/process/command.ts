import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import { CommandMetadataSchema } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { deriveUuid } from '../kernel/derived-id.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import { type CommandDefinition, type ProcessDefinition, viewOf } from './kit.ts';
import type { Command, Process, Purpose, Refusal } from './state.ts';

/**
 * The command of a step, or its compensation. Its id is the same for every attempt, by every runner
 * and after every retry: that is what makes a repeat harmless.
 */
export function commandIdOf(processId: string, step: string, purpose: Purpose): string {
  return deriveUuid(processId, `${step}/${purpose}`);
}

/** Undefined where the definition needs no command; a refusal where it fails to build it. */
export function buildCommand(
  definition: ProcessDefinition,
  process: Process,
  step: string,
  purpose: Purpose,
  { schema, build }: CommandDefinition<never>,
): Command | Refusal | undefined {
  try {
    const view = viewOf(process) as never;
    const message = build(view);
    if (message === undefined) return undefined;
    const sender = { subject: process.actor, roles: process.roles };
    const principal = definition.actsAs?.(view) ?? sender;
    return commandOf(commandIdOf(process.id, step, purpose), schema, message, principal);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const what = purpose === 'step' ? 'the command' : 'the compensation';
    const message = `${what} of the step ${step} could not be built: ${why}`;
    return { code: 'COMMAND_NOT_BUILT', message };
  }
}

/** @throws TypeError where the message is not one of the schema */
export function commandOf(
  commandId: string,
  schema: DescMessage,
  message: Message,
  { subject, roles }: Principal,
): Command {
  if (message.$typeName !== schema.typeName) {
    throw new TypeError(`it is a ${message.$typeName}, not a ${schema.typeName}`);
  }
  const payload = withoutMetadata(schema, toJson(schema, message) as JsonObject);
  return { commandId, type: schema.typeName, payload, subject, roles };
}

/** The runner says who sends it, and why. */
function withoutMetadata(schema: DescMessage, payload: JsonObject): JsonObject {
  const field = schema.fields.find(
    ({ message }) => message?.typeName === CommandMetadataSchema.typeName,
  );
  if (field === undefined) return payload;
  const { [field.jsonName]: _left, ...rest } = payload as { [key: string]: JsonValue };
  return rest;
}
