import {
  create,
  createFileRegistry,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  setExtension,
} from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { file_cipherhorizon_platform_v1_metadata } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  AccessSchema,
  access as accessOption,
  sensitive,
} from '../../src/gen/cipherhorizon/platform/v1/options_pb.ts';

const { STRING, MESSAGE } = FieldDescriptorProto_Type;
const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
const platform = '.cipherhorizon.platform.v1';

/**
 * A query service of one RPC, `CheckSecret`, built at run time so that it can lack what a proto must
 * have. The query has an owner, a secret, and secrets within: in a message and in a list.
 */
export function secretService(
  options: {
    readonly access?: MessageInitShape<typeof AccessSchema>;
    readonly freshness?: boolean;
    readonly clientStreaming?: boolean;
  } = {},
): { readonly service: DescService; readonly method: DescMethodUnary } {
  const secret = {
    name: 'password',
    number: 2,
    type: STRING,
    label: OPTIONAL,
    jsonName: 'password',
    options: withSensitive(),
  };
  const within = { type: MESSAGE, typeName: '.test.v1.Within' };
  const file = create(FileDescriptorProtoSchema, {
    name: 'test/v1/secret.proto',
    package: 'test.v1',
    syntax: 'proto3',
    dependency: [file_cipherhorizon_platform_v1_metadata.proto.name],
    messageType: [
      { name: 'Within', field: [secret] },
      {
        name: 'CheckSecretQuery',
        field: [
          { name: 'owner', number: 1, type: STRING, label: OPTIONAL, jsonName: 'owner' },
          secret,
          { name: 'one', number: 3, label: OPTIONAL, jsonName: 'one', ...within },
          { name: 'many', number: 4, label: REPEATED, jsonName: 'many', ...within },
        ],
      },
      {
        name: 'CheckSecretAnswer',
        field: [
          {
            name: 'freshness',
            number: 1,
            label: OPTIONAL,
            jsonName: 'freshness',
            type: MESSAGE,
            typeName: `${platform}.${options.freshness === false ? 'PageInfo' : 'Freshness'}`,
          },
        ],
      },
    ],
    service: [
      {
        name: 'SecretService',
        method: [
          {
            name: 'CheckSecret',
            inputType: '.test.v1.CheckSecretQuery',
            outputType: '.test.v1.CheckSecretAnswer',
            clientStreaming: options.clientStreaming ?? false,
            ...(options.access !== undefined && { options: withAccess(options.access) }),
          },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, (name) =>
    name === file_cipherhorizon_platform_v1_metadata.proto.name
      ? file_cipherhorizon_platform_v1_metadata
      : undefined,
  );
  const service = registry.getService('test.v1.SecretService');
  if (service === undefined) throw new Error('the test proto has no service');
  return { service, method: service.methods[0] as DescMethodUnary };
}

function withSensitive() {
  const options = create(FieldOptionsSchema);
  setExtension(options, sensitive, true);
  return options;
}

function withAccess(access: MessageInitShape<typeof AccessSchema>) {
  const options = create(MethodOptionsSchema);
  setExtension(options, accessOption, create(AccessSchema, access));
  return options;
}
