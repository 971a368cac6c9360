import {
  create,
  type DescExtension,
  type DescFile,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';
import {
  ServerReflection as ServerReflectionAlpha,
  ServerReflectionResponseSchema as ServerReflectionResponseAlphaSchema,
} from '../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { RpcService } from '../kernel/rpc.ts';
import { filesOf, type ServedService, withImports } from './served.ts';
import { statusCode } from './status.ts';

type Answer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']
>;

/**
 * grpc.reflection v1 and v1alpha over the descriptors as generated, options included, so that a
 * client sees the roles and rules of an RPC too. For known callers, like everything else.
 */
export function createReflection(services: readonly RpcService[]): readonly ServedService[] {
  const answer = createAnswers([
    ...services,
    { service: ServerReflection, handlers: [] },
    { service: ServerReflectionAlpha, handlers: [] },
  ]);
  // Both versions have the same fields under the same numbers.
  return [
    serve(ServerReflection, ServerReflectionResponseSchema, answer),
    serve(ServerReflectionAlpha, ServerReflectionResponseAlphaSchema, answer),
  ];
}

function serve(
  service: typeof ServerReflection | typeof ServerReflectionAlpha,
  schema: typeof ServerReflectionResponseSchema | typeof ServerReflectionResponseAlphaSchema,
  answer: (request: ServerReflectionRequest) => Answer,
): ServedService {
  const method = service.method.serverReflectionInfo;
  return {
    service,
    handlers: [
      {
        kind: 'bidi_streaming',
        method,
        handle: async function* (requests, { principal }) {
          if (principal === undefined) return yield unknownCaller();
          for await (const message of requests) {
            const request = message as ServerReflectionRequest;
            yield create(schema as typeof ServerReflectionResponseSchema, {
              validHost: request.host,
              originalRequest: request,
              messageResponse: answer(request),
            });
          }
        },
      },
    ],
  };
}

function unknownCaller(): Rejection {
  return reject('UNAUTHENTICATED', 'UNAUTHENTICATED', 'a valid bearer token is needed');
}

function createAnswers(services: readonly RpcService[]) {
  // Details of errors too, so that a client can show them.
  const files = withImports([...filesOf(services), file_google_rpc_error_details]);
  const fileByName = new Map(files.map((file) => [file.proto.name, file]));
  const fileBySymbol = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescExtension>>();
  for (const file of files) {
    for (const type of nestedTypes(file)) {
      fileBySymbol.set(type.typeName, file);
      if (type.kind === 'service') {
        for (const { name } of type.methods) fileBySymbol.set(`${type.typeName}.${name}`, file);
      } else if (type.kind === 'extension') {
        const extendee = type.extendee.typeName;
        const byNumber = extensions.get(extendee) ?? new Map<number, DescExtension>();
        extensions.set(extendee, byNumber.set(type.number, type));
      }
    }
  }

  function filesAnswer(file: DescFile | undefined, what: string): Answer {
    if (file === undefined) return notFound(what);
    // The file that was asked for comes first.
    const fileDescriptorProto = withImports([file])
      .toReversed()
      .map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
  }

  return ({ messageRequest: asked }: ServerReflectionRequest): Answer => {
    switch (asked.case) {
      case 'listServices': {
        const service = services.map(({ service: { typeName } }) => ({ name: typeName }));
        return { case: 'listServicesResponse', value: { service } };
      }
      case 'fileByFilename':
        return filesAnswer(fileByName.get(asked.value), asked.value);
      case 'fileContainingSymbol':
        return filesAnswer(fileBySymbol.get(asked.value), asked.value);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = asked.value;
        const found = extensions.get(containingType)?.get(extensionNumber);
        return filesAnswer(found?.file, `${containingType} ${extensionNumber}`);
      }
      case 'allExtensionNumbersOfType': {
        const extensionNumber = [...(extensions.get(asked.value)?.keys() ?? [])];
        if (extensionNumber.length === 0) return notFound(asked.value);
        const value = { baseTypeName: asked.value, extensionNumber };
        return { case: 'allExtensionNumbersResponse', value };
      }
      case undefined:
        return failed(statusCode.INVALID_ARGUMENT, 'the request asks for nothing');
    }
  };
}

function notFound(what: string): Answer {
  return failed(statusCode.NOT_FOUND, `not found: ${what.slice(0, 200)}`);
}

function failed(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
