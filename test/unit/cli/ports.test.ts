import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { findAddresses } from '../../../cmd/cli/ports.ts';
import { readConfig } from '../../../src/config/config.ts';

const free = {
  WRITE_GRPC_ADDRESS: '127.0.0.1:0',
  WRITE_HTTP_ADDRESS: '127.0.0.1:0',
  READ_GRPC_ADDRESS: '127.0.0.1:0',
  READ_HTTP_ADDRESS: '127.0.0.1:0',
  PROJECTOR_GRPC_ADDRESS: '127.0.0.1:0',
  PROJECTOR_HTTP_ADDRESS: '127.0.0.1:0',
};

test('for port 0 a free one is found', async () => {
  const { write, read, projector } = await findAddresses(readConfig(free).servers);
  const ports = [write, read, projector].flatMap(({ grpc, http }) => [grpc.port, http.port]);
  for (const port of ports) expect(port).toBeGreaterThan(0);
});

test('an address in use is told with the variable that moves it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { servers } = readConfig({ ...free, READ_HTTP_ADDRESS: `127.0.0.1:${port}` });
  const error = await findAddresses(servers).catch((reason: unknown) => reason);
  server.close();
  expect((error as Error).message).toBe(
    `the read server cannot start: 127.0.0.1:${port} is in use.\n` +
      `READ_HTTP_ADDRESS moves it, as READ_HTTP_ADDRESS=127.0.0.1:${(port % 65_000) + 10}`,
  );
});
