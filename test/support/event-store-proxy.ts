import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

export type Proxy = AsyncDisposable & {
  readonly port: number;
  /** What the server says is kept back from now on, until `release`. */
  readonly hold: () => void;
  readonly release: () => void;
  /** Ends the connections that there are; new ones pass. */
  readonly cut: () => void;
  /** How many connections there have been. */
  readonly connections: () => number;
  /** How many there are now. */
  readonly open: () => number;
};

/** Stands before a server of any protocol and does to its connections what networks do. */
export async function startTcpProxy(target: number): Promise<Proxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  let held = false;
  let connections = 0;
  const proxy = createServer((client) => {
    connections += 1;
    const server = dial(target, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    client.pipe(server);
    server.on('data', (chunk) => client.write(chunk));
    if (held) server.pause();
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    hold: () => {
      held = true;
      for (const [, server] of pairs) server.pause();
    },
    release: () => {
      held = false;
      for (const [, server] of pairs) server.resume();
    },
    cut,
    connections: () => connections,
    open: () => pairs.size,
    [Symbol.asyncDispose]: async () => {
      const closed = once(proxy, 'close');
      proxy.close();
      cut();
      await closed;
    },
  };
}
