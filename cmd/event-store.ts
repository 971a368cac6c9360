import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfig } from '../src/config/config.ts';
import { ConfigError } from '../src/config/environment.ts';
import { createSqliteWireLog } from '../src/engines/sqlite/wire-log.ts';
import { readAccounts } from '../src/event-store/accounts.ts';
import { type EventStoreServerOptions, startEventStoreServer } from '../src/event-store/server.ts';
import { isLoopback } from '../src/transport/listener.ts';
import { createLog } from '../src/transport/log.ts';
import { stopSignal } from './stop-signals.ts';

const name = 'event-store';

// The embedded log behind EventStoreDB's own gRPC protocol: esdb://127.0.0.1:2113?tls=false
try {
  await serveUntilStopped();
} catch (error) {
  const told = error instanceof ConfigError || process.env.DEBUG === undefined;
  console.error(`${name}: ${told ? (error as Error).message : (error as Error).stack}`);
  process.exitCode = 1;
}

async function serveUntilStopped(): Promise<void> {
  const stop = stopSignal();
  const config = readConfig(process.env);
  const options = optionsOf(config);
  await using log = createLog({ name, level: config.logLevel, target: 2 });
  await using events = createSqliteWireLog({ path: join(config.dataDirectory, 'events.db') });
  const server = await startEventStoreServer({ ...options, log: events, telemetry: log });
  log.info({ server: name, port: server.port }, 'the server listens');
  if (options.accounts === undefined) {
    log.warn({ server: name }, 'no authentication: everybody on this machine may do everything');
  }
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve));
  log.info({ server: name }, 'the server stops');
  await server.close();
  log.info({ server: name }, 'the server has stopped');
}

function optionsOf({ eventStoreServer, tls }: Config): Omit<EventStoreServerOptions, 'log'> {
  const { address, usersFile, maxAppendBytes } = eventStoreServer;
  if (!isLoopback(address.host) && (usersFile === undefined || tls === undefined)) {
    throw new Error(
      `it does not start: it would listen on ${address.host} without authentication or ` +
        'without TLS. Set EVENT_STORE_USERS_FILE, TLS_CERT_FILE and TLS_KEY_FILE, or listen on ' +
        '127.0.0.1',
    );
  }
  return {
    ...address,
    maxAppendBytes,
    ...(usersFile && { accounts: readAccounts(readFileSync(usersFile, 'utf8')) }),
    ...(tls && { tls: { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) } }),
  };
}
