import { readdirSync, readFileSync } from 'node:fs';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { Up } from './horizon-cli.ts';

/** A client over Connect of one server of a running system. */
export function clientOf<Service extends DescService>(
  up: Up,
  server: 'write' | 'read' | 'projector',
  service: Service,
  token = up.welcome.token,
): Client<Service> {
  const url = up.welcome.servers.find(({ name }) => name === server)?.url;
  if (url === undefined) throw new Error(`no ${server} server is running`);
  const authorise: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const interceptors = [authorise];
  const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1', interceptors });
  return createClient(service, transport);
}

/** The servers that `up` runs: their processes by name. */
export function processesOf(up: Up): ReadonlyMap<string, number> {
  const processes = new Map<string, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1];
      if (Number(parent) !== up.child.pid) continue;
      const [, name] =
        /cmd\/([\w-]+)\.ts/.exec(readFileSync(`/proc/${entry}/cmdline`, 'utf8')) ?? [];
      if (name !== undefined) processes.set(name, Number(entry));
    } catch {
      // It has ended meanwhile.
    }
  }
  return processes;
}

/** Resident memory of a process, bytes. */
export function memoryOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Tries until it holds: for what other processes are about to do. */
export async function eventually<Value>(
  attempt: () => Promise<Value>,
  withinMs = 30_000,
): Promise<Value> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
