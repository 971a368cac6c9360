import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogger,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { RpcHandler } from '../kernel/rpc.ts';
import type { Log } from '../kernel/telemetry.ts';
import { answerUnknownRpcs, explainOwnErrors } from './grpc-own-errors.ts';
import { grpcBidiStreaming, grpcServerStreaming } from './grpc-streams.ts';
import { grpcUnary } from './grpc-unary.ts';
import type { ServerLimits } from './limits.ts';
import type { ListenAddress, Listener, TlsFiles } from './listener.ts';
import type { ServedService, Serving } from './served.ts';

/** Serves the services over gRPC. Throws where the address cannot be bound. */
export async function listenGrpc(options: {
  readonly serving: Serving;
  readonly services: readonly ServedService[];
  readonly address: ListenAddress;
  readonly tls: TlsFiles | undefined;
  readonly limits: ServerLimits;
  readonly log: Log;
}): Promise<Listener> {
  const { serving, services, address, tls, limits, log } = options;
  // Its own words go to standard error otherwise, in a form of their own.
  setLogger({ error: (text: unknown) => log.warn({ text }, 'grpc-js') });
  const server = new Server({
    interceptors: [explainOwnErrors(limits)],
    'grpc.max_receive_message_length': limits.maxRequestBytes,
    'grpc.max_send_message_length': limits.maxResponseBytes,
    // One connection alone cannot take more than the server has to give.
    'grpc.max_concurrent_streams': limits.maxInFlight + limits.maxStreams,
    // A peer that is gone without a word holds its streams no longer than this.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 30 * 60_000,
    // Its books cost each call a few microseconds, and nothing here shows them.
    'grpc.enable_channelz': 0,
  });
  answerUnknownRpcs(server);
  for (const { service, handlers, probe = false } of services) {
    const definition: ServiceDefinition = Object.fromEntries(
      service.methods.map((method) => [method.name, definitionOf(serving, method)]),
    );
    const implementation: UntypedServiceImplementation = Object.fromEntries(
      handlers.map((handler) => [handler.method.name, grpcHandler(serving, handler, probe)]),
    );
    server.addService(definition, implementation);
  }
  const port = await bind(server, address, tls);
  return {
    port,
    close: async (patience) => {
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await Promise.race([closed, patience]);
      server.forceShutdown();
    },
  };
}

function grpcHandler(serving: Serving, handler: RpcHandler, isProbe: boolean): UntypedHandleCall {
  switch (handler.kind) {
    case 'unary':
      return grpcUnary(serving, handler, isProbe) as UntypedHandleCall;
    case 'server_streaming':
      return grpcServerStreaming(serving, handler) as UntypedHandleCall;
    case 'bidi_streaming':
      return grpcBidiStreaming(serving, handler) as UntypedHandleCall;
  }
}

function definitionOf(
  { answerFault }: Serving,
  method: DescMethod,
): MethodDefinition<Message | Error, Message> {
  const { input, output, methodKind } = method;
  const noHeader = () => undefined;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: () => {
      throw new Error('a server sends no requests');
    },
    // What is thrown here is answered with INTERNAL, as if the server were at fault.
    requestDeserialize: (bytes) => {
      try {
        return fromBinary(input, bytes);
      } catch (error) {
        return error instanceof Error ? error : new Error('it is malformed');
      }
    },
    responseSerialize: (message) => {
      try {
        const bytes = toBinary(output, message);
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        answerFault(error, method, noHeader);
        throw error;
      }
    },
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function bind(server: Server, { host, port }: ListenAddress, tls: TlsFiles | undefined) {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise<number>((resolve, reject) => {
    server.bindAsync(authority, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`gRPC cannot listen on ${authority}: ${error.message}`));
    });
  });
}
