import {
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type Message,
} from '@bufbuild/protobuf';
import {
  type CommandMetadata,
  CommandMetadataSchema,
  CommandReceiptSchema,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  type Access,
  Ownership,
  type StreamBinding,
  sensitive,
  stream as streamOption,
} from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { accessOf } from '../kernel/access.ts';
import type { Decider } from '../kernel/decider.ts';
import { streamName } from '../kernel/stream-name.ts';
import { deriveUuid } from './ids.ts';
import type { WriteContext } from './kit.ts';

/** All that the bus has to know of one command, worked out once from its proto. */
export type CommandRoute = {
  readonly method: DescMethod;
  readonly schema: DescMessage;
  readonly access: Access | undefined;
  readonly decider: Decider;
  readonly metadataOf: (command: Message) => CommandMetadata | undefined;
  /** The owner that the request names; undefined where the RPC declares no such field. */
  readonly ownerOf: (command: Message) => string | undefined;
  /** The id of the aggregate; derived from owner and command id for a new one. */
  readonly idOf: (command: Message, commandId: string) => string;
  readonly streamOf: (id: string) => string;
  /** Local names of the fields that are left out of what is kept of the payload. */
  readonly omitted: ReadonlySet<string>;
  readonly hasSecrets: boolean;
};

export type Catalogue = {
  /** By the full name of the command message. */
  readonly routes: ReadonlyMap<string, CommandRoute>;
  readonly deciders: ReadonlyMap<string, Decider>;
};

/**
 * The routes of all command RPCs of the contexts.
 * @throws Error at start, naming what a proto or a registration lacks.
 */
export function createCatalogue(contexts: readonly WriteContext[]): Catalogue {
  const routes = new Map<string, CommandRoute>();
  const deciders = new Map<string, Decider>();
  for (const context of contexts) {
    for (const decider of context.deciders) {
      if (deciders.has(decider.category)) throw new Error(`two deciders for ${decider.category}`);
      deciders.set(decider.category, decider);
    }
    for (const method of context.service.methods) {
      if (method.methodKind !== 'unary') continue;
      routes.set(method.input.typeName, createRoute(method, deciders));
    }
  }
  return { routes, deciders };
}

function createRoute(method: DescMethod, deciders: ReadonlyMap<string, Decider>): CommandRoute {
  const schema = method.input;
  const fail = (what: string) => new Error(`${method.parent.typeName}.${method.name}: ${what}`);
  if (`${method.name}Command` !== schema.name) throw fail(`takes ${schema.name}, not its command`);
  if (method.output.typeName !== CommandReceiptSchema.typeName) throw fail('answers no receipt');
  if (!hasOption(schema, streamOption)) throw fail(`${schema.name} declares no stream`);
  const binding = getOption(schema, streamOption);
  const decider = deciders.get(binding.category);
  if (!decider?.commands.some((command) => command.typeName === schema.typeName)) {
    throw fail(`no decider of '${binding.category}' takes ${schema.name}`);
  }
  const metadata = schema.fields.find(
    (field) => field.message?.typeName === CommandMetadataSchema.typeName,
  );
  if (metadata === undefined) throw fail(`${schema.name} has no field for CommandMetadata`);
  const access = accessOf(method);
  if (access?.ownership === Ownership.RECORD && decider.ownerOf === undefined) {
    throw fail(`records of '${binding.category}' know no owner`);
  }
  const ownerOf = ownerReader(schema, access, fail);
  refuseNestedSecrets(schema);
  const secrets = schema.fields.filter((field) => getOption(field, sensitive));
  return {
    method,
    schema,
    access,
    decider,
    metadataOf: (command) => fieldValue(command, metadata) as CommandMetadata | undefined,
    ownerOf,
    idOf: idReader(schema, binding, ownerOf, fail),
    streamOf: (id) => streamName(binding.category, id),
    omitted: new Set([metadata.jsonName, ...secrets.map((field) => field.jsonName)]),
    hasSecrets: secrets.length > 0,
  };
}

function ownerReader(
  schema: DescMessage,
  access: Access | undefined,
  fail: (what: string) => Error,
): CommandRoute['ownerOf'] {
  if (access?.ownership !== Ownership.REQUEST) return () => undefined;
  const field = fieldNamed(schema, access.ownerField);
  if (field === undefined) throw fail(`${schema.name} has no field '${access.ownerField}'`);
  return (command) => String(fieldValue(command, field));
}

function idReader(
  schema: DescMessage,
  binding: StreamBinding,
  ownerOf: CommandRoute['ownerOf'],
  fail: (what: string) => Error,
): CommandRoute['idOf'] {
  if (binding.idFields.length === 0) {
    // Owner and command id, so that nobody can meet another's record by naming its command id.
    return (command, commandId) =>
      deriveUuid(binding.category, `${commandId}/${ownerOf(command) ?? ''}`);
  }
  const fields = binding.idFields.map((name) => {
    const field = fieldNamed(schema, name);
    if (field === undefined) throw fail(`${schema.name} has no field '${name}'`);
    return field;
  });
  const [only] = fields;
  if (fields.length === 1 && only !== undefined)
    return (command) => String(fieldValue(command, only));
  return (command) => fields.map((field) => String(fieldValue(command, field))).join(':');
}

function fieldNamed(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.name === name);
}

function fieldValue(message: Message, field: DescField): unknown {
  return (message as unknown as { [name: string]: unknown })[field.localName];
}

/** Sensitive fields are left out of a payload at its top level alone, so they may stand nowhere else. */
function refuseNestedSecrets(schema: DescMessage, seen = new Set<string>()): void {
  for (const field of schema.fields) {
    const nested = field.message;
    if (nested === undefined || seen.has(nested.typeName)) continue;
    seen.add(nested.typeName);
    if (nested.fields.some((inner) => getOption(inner, sensitive))) {
      throw new Error(`${nested.typeName}: a sensitive field has to stand in the command itself`);
    }
    refuseNestedSecrets(nested, seen);
  }
}
