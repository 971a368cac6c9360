import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Address, Config } from '../../src/config/config.ts';
import type { ServerName } from '../services.ts';
import { CliError } from './exit-codes.ts';

export type Protocol = 'grpc' | 'http';
/** Where the servers listen, with real ports in place of 0. */
export type ServerAddresses = {
  readonly [server in ServerName]: { readonly [protocol in Protocol]: Address };
};

/** `WRITE_GRPC_ADDRESS`. */
export function variableOf(server: ServerName, protocol: Protocol): string {
  return `${server}_${protocol}_address`.toUpperCase();
}

export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * The addresses of the configuration, after a look at whether they are free; for port 0 a free one
 * is found, so that a server which is started again is where it was.
 *
 * @throws CliError that names the variable which moves an address that is in use
 */
export async function findAddresses(servers: Config['servers']): Promise<ServerAddresses> {
  // All of them are held until the last one is found: none is found twice.
  const probes: Server[] = [];
  const find = async (server: ServerName) => ({
    grpc: await bind(probes, server, 'grpc', servers[server].grpc),
    http: await bind(probes, server, 'http', servers[server].http),
  });
  try {
    const write = await find('write');
    const read = await find('read');
    return { write, read, projector: await find('projector') };
  } finally {
    await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  }
}

function bind(
  probes: Server[],
  server: ServerName,
  protocol: Protocol,
  address: Address,
): Promise<Address> {
  const probe = createServer();
  probes.push(probe);
  return new Promise((resolve, reject) => {
    probe.once('error', (error) => {
      const message = sentence(server, protocol, address, error);
      reject(new CliError(message, undefined, { cause: error }));
    });
    probe.listen({ ...address, exclusive: true }, () => {
      const { port } = probe.address() as AddressInfo;
      resolve({ host: address.host, port });
    });
  });
}

function sentence(
  server: ServerName,
  protocol: Protocol,
  address: Address,
  error: unknown,
): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = addressText(address);
  const variable = variableOf(server, protocol);
  const other = addressText({ host: address.host, port: (address.port % 65_000) + 10 });
  const move = `${variable} moves it, as ${variable}=${other}`;
  if (code === 'EADDRINUSE') {
    return `the ${server} server cannot start: ${where} is in use.\n${move}`;
  }
  return `the ${server} server cannot listen on ${where}: ${message}.\n${move}`;
}
