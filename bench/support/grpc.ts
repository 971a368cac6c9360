import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, type Metadata } from '@grpc/grpc-js';

export type Bytes = Buffer<ArrayBufferLike>;

export const same = (bytes: Bytes): Bytes => bytes;

const clients = new Map<string, Client>();

/** The one connection of this process to the address. */
export function clientOf(address: string): Client {
  let client = clients.get(address);
  if (client === undefined) {
    client = new Client(address, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
    clients.set(address, client);
  }
  return client;
}

export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

/** A call with bytes in and out: the client does nothing that the server does not cause. */
export function callBytes(address: string, path: string, request: Bytes): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    clientOf(address).makeUnaryRequest(path, same, same, request, (error, answer) => {
      if (error === null && answer !== undefined) resolve(answer);
      else reject(error);
    });
  });
}

export async function call<Method extends DescMethod>(
  address: string,
  method: Method,
  request: MessageInitShape<Method['input']>,
): Promise<MessageShape<Method['output']>> {
  const answer = await callBytes(address, pathOf(method), encode(method.input, request));
  return fromBinary(method.output, answer) as MessageShape<Method['output']>;
}

export function encode<Desc extends DescMethod['input']>(
  schema: Desc,
  message: MessageInitShape<Desc>,
): Bytes {
  return Buffer.from(toBinary(schema, create(schema, message)));
}

export type { Metadata };
