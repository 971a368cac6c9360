import {
  createRegistry,
  type DescMethod,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { file_google_rpc_error_details } from '../../../src/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.ts';
import type { RpcHandler, RpcService } from '../../../src/kernel/rpc.ts';
import type { Log } from '../../../src/kernel/telemetry.ts';
import { defaultLimits, type ServerLimits } from '../../../src/transport/limits.ts';
import { createMetrics } from '../../../src/transport/metrics.ts';
import { type ServerOptions, startServer } from '../../../src/transport/server.ts';

export type LogLine = { readonly level: string; readonly message: string; readonly fields: object };

/** A log that keeps what it is told. */
export function keepLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A server for the handlers on free ports of this machine. Dispose it, and every client. */
export async function serve(
  handlers: readonly RpcHandler[],
  more: Partial<Omit<ServerOptions, 'limits'>> & { readonly limits?: Partial<ServerLimits> } = {},
) {
  const services = new Map<string, RpcService>();
  for (const handler of handlers) {
    const { parent } = handler.method;
    const others = services.get(parent.typeName)?.handlers ?? [];
    services.set(parent.typeName, { service: parent, handlers: [...others, handler] });
  }
  const anyPort = { host: '127.0.0.1', port: 0 };
  const log = keepLog();
  const server = await startServer({
    name: 'test-server',
    services: [...services.values()],
    grpc: anyPort,
    http: anyPort,
    log,
    metrics: createMetrics('test'),
    readiness: () => ({ ready: true }),
    ...more,
    limits: { ...defaultLimits, shutdownMs: 2000, ...more.limits },
  });
  const baseUrl = `http://127.0.0.1:${server.httpPort}`;
  return { ...server, baseUrl, log };
}

/** What a call failed with, in the form of either protocol. */
export type Failed = { code: number; message: string; details: Message[] };

const detailTypes = createRegistry(file_google_rpc_error_details);

function failedOfGrpc(error: ServiceError): Failed {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const status = bytes === undefined ? undefined : fromBinary(StatusSchema, bytes as Buffer);
  const details = (status?.details ?? []).map((any) => anyUnpack(any, detailTypes));
  if (status !== undefined && status.code !== error.code) throw new Error('two codes');
  return {
    code: error.code,
    message: error.details,
    details: details.filter((detail) => detail !== undefined),
  };
}

export function failedOfConnect(error: unknown): Failed {
  const failed = ConnectError.from(error, Code.Unknown);
  const details = failed.details.map((detail) => {
    if ('desc' in detail) throw new Error('a detail that was not received');
    const desc = detailTypes.getMessage(detail.type);
    if (desc === undefined) throw new Error(`unknown detail ${detail.type}`);
    return fromBinary(desc, detail.value);
  });
  return { code: failed.code, message: failed.rawMessage, details };
}

/** A grpc-js client that sends and receives messages, or bytes as they are. */
export function grpcClient(port: number) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;
  const write = (method: DescMethod) => (message: Message | Buffer) =>
    Buffer.isBuffer(message) ? message : Buffer.from(toBinary(method.input, message));
  const read = (method: DescMethod) => (bytes: Buffer) => fromBinary(method.output, bytes);
  type CallOptions = { readonly deadline?: number; readonly signal?: AbortSignal };

  function metadataOf(headers: Record<string, string>): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return metadata;
  }

  return {
    unary: (
      method: DescMethod,
      message: Message | Buffer,
      headers: Record<string, string> = {},
      { deadline, signal }: CallOptions = {},
    ) =>
      new Promise<Message>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          pathOf(method),
          write(method),
          read(method),
          message,
          metadataOf(headers),
          { ...(deadline !== undefined && { deadline }) },
          (error, answer) => {
            if (error !== null) reject(failedOfGrpc(error));
            else if (answer !== undefined) resolve(answer);
          },
        );
        signal?.addEventListener('abort', () => call.cancel());
      }),
    /** The answers of a stream up to its end; rejects with what it failed with. */
    serverStream: (
      method: DescMethod,
      message: Message | Buffer,
      { deadline, signal }: CallOptions = {},
      onAnswer: (answer: Message) => void = () => undefined,
    ) =>
      new Promise<Message[]>((resolve, reject) => {
        const answers: Message[] = [];
        const call = client.makeServerStreamRequest(
          pathOf(method),
          write(method),
          read(method),
          message,
          new Metadata(),
          { ...(deadline !== undefined && { deadline }) },
        );
        call.on('data', (answer: Message) => {
          answers.push(answer);
          onAnswer(answer);
        });
        call.on('error', (error: ServiceError) => reject(failedOfGrpc(error)));
        call.on('end', () => resolve(answers));
        signal?.addEventListener('abort', () => call.cancel());
      }),
    bidi: (method: DescMethod) =>
      client.makeBidiStreamRequest<Message | Buffer, Message>(
        pathOf(method),
        write(method),
        read(method),
        new Metadata(),
        {},
      ),
    failedOf: failedOfGrpc,
    [Symbol.dispose]: () => client.close(),
  };
}

/** What a call was rejected with; fails where it was not. */
export async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call has not failed');
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
