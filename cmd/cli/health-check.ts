import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { Address } from '../../src/config/config.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { reachable } from './session.ts';

const patienceMs = 2000;

/** Whether the server at the address says SERVING over gRPC. Never throws. */
export async function isServing({ host, port }: Address, withTls: boolean): Promise<boolean> {
  const baseUrl = `${withTls ? 'https' : 'http'}://${reachable(host)}:${port}`;
  // It is our own child that is asked, on this machine: its certificate may be for another name.
  const nodeOptions = withTls ? { rejectUnauthorized: false } : {};
  const sessionManager = new Http2SessionManager(baseUrl, {}, nodeOptions);
  try {
    const health = createClient(Health, createGrpcTransport({ baseUrl, sessionManager }));
    const { status } = await health.check({ service: '' }, { timeoutMs: patienceMs });
    return status === HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false;
  } finally {
    sessionManager.abort();
  }
}
