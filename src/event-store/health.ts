import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../gen/grpc/health/v1/health_pb.ts';
import { type Serving, serverStreaming, unary } from './calls.ts';
import { CallFailure } from './errors.ts';

/** grpc.health.v1.Health: a server that answers at all serves. Who asks needs no credentials. */
export function addHealth(server: Server, services: readonly string[], stop: AbortSignal): void {
  const names = new Set(['', ...services]);
  const serving: Serving = {
    authenticate: () => ({ kind: 'anonymous' }),
    log: undefined,
    stop,
  };
  const answer = (is: Status) => create(HealthCheckResponseSchema, { status: is });

  const check = ({ service }: HealthCheckRequest) => {
    if (names.has(service)) return answer(Status.SERVING);
    throw new CallFailure(status.NOT_FOUND, 'the service is not served here');
  };

  /** Nothing changes while the server runs: the call is open until either side ends it. */
  async function* watch({ service }: HealthCheckRequest, _caller: unknown, signal: AbortSignal) {
    yield answer(names.has(service) ? Status.SERVING : Status.SERVICE_UNKNOWN);
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  const definition: ServiceDefinition = {
    check: methodOf(Health.method.check),
    watch: methodOf(Health.method.watch),
  };
  server.addService(definition, {
    check: unary(serving, check),
    watch: serverStreaming(serving, watch),
  });
}

function methodOf(method: (typeof Health.method)['check' | 'watch']) {
  const serialize = (schema: DescMessage) => (message: Message) =>
    Buffer.from(toBinary(schema, message));
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === 'server_streaming',
    requestSerialize: serialize(method.input),
    requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
    responseSerialize: serialize(method.output),
    responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
  };
}
