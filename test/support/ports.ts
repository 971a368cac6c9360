import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what systems give to connections that go out (Linux from 32768, others from 49152): a
 * connection could have the port of a server that is not up yet, or is down for a moment.
 */
const lowest = 10_240;
const highest = 32_767;

/** A port at which nobody listens, for a server that starts later, and again. */
export async function freePort(): Promise<number> {
  const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
  const probe = createServer();
  try {
    const listening = once(probe, 'listening');
    probe.listen(port, '127.0.0.1');
    await listening;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return freePort();
    throw error;
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
