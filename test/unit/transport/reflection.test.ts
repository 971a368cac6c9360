import {
  create,
  createFileRegistry,
  fromBinary,
  getOption,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import { access } from '../../../src/gen/cipherhorizon/platform/v1/options_pb.ts';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
} from '../../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { onCreate, onWatch, receipt, watched } from './rpcs.ts';
import { collect, failedOfConnect, failure, serve } from './server-kit.ts';

const handlers = [
  onCreate(() => receipt('1')),
  onWatch(async function* () {
    yield watched('1');
  }),
];

type Question = NonNullable<
  MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest']
>;

function reflectionOf(port: number, service = ServerReflection) {
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
  const client = createClient(service, transport);
  return async (...questions: Question[]) => {
    async function* requests() {
      for (const messageRequest of questions) {
        yield create(ServerReflectionRequestSchema, { host: 'h', messageRequest });
      }
    }
    const answers = await collect(client.serverReflectionInfo(requests()));
    return answers.map(({ messageResponse }) => messageResponse);
  };
}

type Answer = Awaited<ReturnType<ReturnType<typeof reflectionOf>>>[number] | undefined;

function filesOf(answer: Answer): FileDescriptorProto[] {
  if (answer?.case !== 'fileDescriptorResponse') throw new Error(`got ${answer?.case}`);
  return answer.value.fileDescriptorProto.map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
}

const commandService = 'cipherhorizon.trading.v1.TradingCommandService';
const commandFile = 'cipherhorizon/trading/v1/commands.proto';

describe.each([
  ['v1', ServerReflection],
  ['v1alpha', ServerReflectionAlpha as unknown as typeof ServerReflection],
])('grpc.reflection.%s', (_, service) => {
  test('lists the services', async () => {
    await using server = await serve(handlers);
    const [answer] = await reflectionOf(
      server.grpcPort,
      service,
    )({ case: 'listServices', value: '*' });
    if (answer?.case !== 'listServicesResponse') throw new Error(`got ${answer?.case}`);
    expect(answer.value.service.map(({ name }) => name).sort()).toEqual([
      commandService,
      'cipherhorizon.trading.v1.TradingQueryService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
  });

  test('finds a file by name, symbol and extension, with all that it imports', async () => {
    await using server = await serve(handlers);
    const options = 'cipherhorizon/platform/v1/options.proto';
    const extension = { containingType: 'google.protobuf.MethodOptions', extensionNumber: 50001 };
    const [byName, byService, byMethod, byMessage, byExtension] = await reflectionOf(
      server.grpcPort,
      service,
    )(
      { case: 'fileByFilename', value: commandFile },
      { case: 'fileContainingSymbol', value: commandService },
      { case: 'fileContainingSymbol', value: `${commandService}.OpenPortfolio` },
      { case: 'fileContainingSymbol', value: 'cipherhorizon.trading.v1.RecordTradeCommand' },
      { case: 'fileContainingExtension', value: extension },
    );
    const found = filesOf(byName);
    expect(found[0]?.name).toBe(commandFile);
    const names = new Set(found.map(({ name }) => name));
    expect(
      found.flatMap(({ dependency }) => dependency).filter((name) => !names.has(name)),
    ).toEqual([]);
    for (const answer of [byService, byMethod, byMessage]) expect(filesOf(answer)).toEqual(found);
    expect(filesOf(byExtension)[0]?.name).toBe(options);
  });

  test('says what it does not find', async () => {
    await using server = await serve(handlers);
    const none = 'no.such.Thing';
    const answers = await reflectionOf(server.grpcPort, service)(
      { case: 'fileByFilename', value: none },
      { case: 'fileContainingSymbol', value: none },
      { case: 'fileContainingExtension', value: { containingType: none, extensionNumber: 1 } },
      { case: 'allExtensionNumbersOfType', value: none },
    );
    expect(answers.map((answer) => answer.case)).toEqual(Array(4).fill('errorResponse'));
    expect(answers[0]?.value).toMatchObject({ errorCode: 5, errorMessage: `not found: ${none}` });
  });
});

test('the descriptors are complete: a client sees the roles of an RPC', async () => {
  await using server = await serve(handlers);
  const [answer] = await reflectionOf(server.grpcPort)({
    case: 'fileContainingSymbol',
    value: commandService,
  });
  const file = filesOf(answer);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
  const method = registry.getService(commandService)?.method.createTradingStrategy;
  if (method === undefined) throw new Error('no such RPC');
  expect(getOption(method, access).roles).toContain('user');
});

test('extensions are numbered', async () => {
  await using server = await serve(handlers);
  const [answer] = await reflectionOf(server.grpcPort)({
    case: 'allExtensionNumbersOfType',
    value: 'google.protobuf.FieldOptions',
  });
  expect(answer?.value).toMatchObject({ extensionNumber: expect.arrayContaining([50003, 1159]) });
});

test('unknown callers are told nothing', async () => {
  await using server = await serve(handlers, { authenticate: () => undefined });
  const failed = await failure(reflectionOf(server.grpcPort)({ case: 'listServices', value: '' }));
  expect(failedOfConnect(failed)).toMatchObject({ code: 16 });
});
