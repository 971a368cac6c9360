import { create, type Message } from '@bufbuild/protobuf';
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../gen/grpc/health/v1/health_pb.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { ServedService } from './served.ts';

/** Whether the server can do its work, and if not, why. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };

const lookAgainMs = 500;

/**
 * grpc.health.v1.Health: one status for the server as a whole (the empty name) and for each of its
 * services. Watches see a change half a second after `readiness` does.
 */
export function createHealth(
  serviceNames: readonly string[],
  readiness: () => Readiness,
): ServedService {
  const names = new Set(['', ...serviceNames]);
  const statusOf = (name: string): Status => {
    if (!names.has(name)) return Status.SERVICE_UNKNOWN;
    return readiness().ready ? Status.SERVING : Status.NOT_SERVING;
  };
  const answer = (status: Status) => create(HealthCheckResponseSchema, { status });

  async function check(request: Message): Promise<Message | Rejection> {
    const { service } = request as HealthCheckRequest;
    if (names.has(service)) return answer(statusOf(service));
    return reject('NOT_FOUND', 'SERVICE_UNKNOWN', 'the service is not served here');
  }

  async function list(): Promise<Message> {
    const statuses = Object.fromEntries([...names].map((name) => [name, answer(statusOf(name))]));
    return create(HealthListResponseSchema, { statuses });
  }

  async function* watch(request: Message, { signal }: Call): AsyncIterable<Message> {
    const { service } = request as HealthCheckRequest;
    let told: Status | undefined;
    while (!signal.aborted) {
      const status = statusOf(service);
      if (status !== told) yield answer(status);
      told = status;
      await pause(lookAgainMs, signal);
    }
  }

  return {
    service: Health,
    probe: true,
    handlers: [
      { kind: 'unary', method: Health.method.check, handle: check },
      { kind: 'unary', method: Health.method.list, handle: list },
      { kind: 'server_streaming', method: Health.method.watch, handle: watch },
    ],
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
