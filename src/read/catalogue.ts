import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  getOption,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import {
  FreshnessSchema,
  PageRequestSchema,
  ReadConsistencySchema,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { type Access, Ownership, sensitive } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { accessOf } from '../kernel/access.ts';
import type { QueryHandler, ReadContext } from './kit.ts';

/** All that the bus has to know of one query, worked out once from its proto. */
export type QueryRoute = {
  readonly method: DescMethodUnary | DescMethodServerStreaming;
  readonly handler: QueryHandler;
  readonly access: Access;
  /** The owner that the query names; undefined where the RPC declares no such field. */
  readonly ownerOf: ((query: Message) => string) | undefined;
  /** Where the answer says how fresh it is. */
  readonly freshness: DescField;
  /** Where the query says how fresh the answer has to be. */
  readonly consistency: DescField | undefined;
  readonly page: DescField | undefined;
};

type Fail = (what: string) => Error;

/**
 * The routes of a context's query service, one for each of its methods.
 * @throws Error at start, naming what a proto or a registration lacks.
 */
export function createRoutes({ service, queries }: ReadContext): readonly QueryRoute[] {
  const stranger = queries.find(({ method }) => method.parent.typeName !== service.typeName);
  if (stranger !== undefined) {
    const { parent, name } = stranger.method;
    throw new Error(`${parent.typeName}.${name} is no method of ${service.typeName}`);
  }
  return service.methods.map((method) => {
    const fail = (what: string) => new Error(`${service.typeName}.${method.name}: ${what}`);
    if (!isQuery(method)) throw fail(`a query cannot be ${method.methodKind}`);
    return createRoute(method, handlerOf(service, method.name, queries, fail), fail);
  });
}

function isQuery(method: DescMethod): method is QueryRoute['method'] {
  return method.methodKind === 'unary' || method.methodKind === 'server_streaming';
}

function handlerOf(
  service: DescService,
  name: string,
  queries: readonly QueryHandler[],
  fail: Fail,
): QueryHandler {
  const found = queries.filter(({ method }) => method.name === name);
  const [handler] = found;
  if (handler === undefined) throw fail(`no handler of ${service.name} answers it`);
  if (found.length > 1) throw fail(`${found.length} handlers answer it`);
  return handler;
}

function createRoute(method: QueryRoute['method'], handler: QueryHandler, fail: Fail): QueryRoute {
  const { input, output } = method;
  const access = accessOf(method);
  if (access === undefined) throw fail('declares no access');
  if (access.roles.length === 0) throw fail('its access names no role');
  if (access.ownership === Ownership.UNSPECIFIED) throw fail('its access names no ownership');
  if (handler.views.length === 0) throw fail('its handler names no view');
  checkRecord(access, handler, fail);
  if (handler.cached && hasSecrets(input)) throw fail('an answer to a secret cannot be cached');
  const freshness = fieldOf(output, FreshnessSchema);
  if (freshness === undefined) throw fail(`${output.name} has no field for Freshness`);
  return {
    method,
    handler,
    access,
    ownerOf: access.ownership === Ownership.REQUEST ? ownerReader(input, access, fail) : undefined,
    freshness,
    consistency: fieldOf(input, ReadConsistencySchema),
    page: fieldOf(input, PageRequestSchema),
  };
}

function checkRecord(access: Access, { record, views }: QueryHandler, fail: Fail): void {
  if (access.ownership !== Ownership.RECORD) {
    if (record !== undefined) throw fail('its handler names a record, but not its access');
    return;
  }
  if (record === undefined) throw fail('its access is by record, but its handler names none');
  const { model, ownerField } = record;
  if (!views.some((view) => view.name === model.name)) {
    throw fail(`the view ${model.name} of its record is not among its views`);
  }
  const field = model.schema[ownerField];
  if (field === undefined) throw fail(`the view ${model.name} has no field '${ownerField}'`);
  if (field.kind !== 'keyword' || field.many || field.fold) {
    throw fail(`'${ownerField}' of the view ${model.name} cannot hold an owner's subject`);
  }
}

/** A path of singular messages that ends in a string: "user_id", "of.user_id". */
function ownerReader(schema: DescMessage, { ownerField }: Access, fail: Fail) {
  const path: string[] = [];
  let at: DescMessage | undefined = schema;
  let last: DescField | undefined;
  for (const name of ownerField.split('.')) {
    last = at?.fields.find((field) => field.name === name);
    if (last === undefined) throw fail(`${schema.name} has no field '${ownerField}'`);
    path.push(last.localName);
    at = last.fieldKind === 'message' ? last.message : undefined;
  }
  if (last?.fieldKind !== 'scalar' || last.scalar !== ScalarType.STRING || last.oneof) {
    throw fail(`'${ownerField}' of ${schema.name} is no singular string`);
  }
  return (query: Message): string => {
    let value: unknown = query;
    for (const name of path) value = (value as { [name: string]: unknown } | undefined)?.[name];
    return typeof value === 'string' ? value : '';
  };
}

function fieldOf(schema: DescMessage, type: DescMessage): DescField | undefined {
  return schema.fields.find(
    (field) => field.fieldKind === 'message' && field.message.typeName === type.typeName,
  );
}

/** Whether a field of the message, or of one in it, is marked `sensitive`. */
export function hasSecrets(schema: DescMessage, seen = new Set<string>()): boolean {
  if (seen.has(schema.typeName)) return false;
  seen.add(schema.typeName);
  return schema.fields.some(
    (field) =>
      getOption(field, sensitive) ||
      (field.message !== undefined && hasSecrets(field.message, seen)),
  );
}
