import { randomUUID } from 'node:crypto';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '../kernel/telemetry.ts';
import { readBatchAppend } from './batch-deadline.ts';
import { type Serving, unary } from './calls.ts';
import { type Account, createAuthentication } from './credentials.ts';
import { beginEpoch } from './epoch.ts';
import { gossip } from './gossip.ts';
import { addHealth } from './health.ts';
import type { WireLog } from './log.ts';
import { supportedMethods } from './server-features.ts';
import { createStreams } from './streams.ts';

export type EventStoreServerOptions = {
  readonly log: WireLog;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, any that is free, by default. */
  readonly port?: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Without accounts everybody may do everything. */
  readonly accounts?: readonly Account[];
  /** The greatest append in bytes, as EventStoreDB counts them. 1 MiB by default, as there. */
  readonly maxAppendBytes?: number;
  readonly telemetry?: Log;
};

export type EventStoreServer = {
  readonly port: number;
  /** Ends every call and resolves when that is done. The log stays open: it is its owner's. */
  readonly close: () => Promise<void>;
};

const servedServices = [
  'event_store.client.streams.Streams',
  'event_store.client.server_features.ServerFeatures',
  'event_store.client.gossip.Gossip',
];

const megabyte = 1024 * 1024;
/** How long a stop waits for calls to end, before their connections are cut. */
const patienceMs = 2_000;
/** As EventStoreDB: an event that a client may read is never larger than this. */
const maxMessageBytes = 17 * megabyte;

/**
 * Serves a log by EventStoreDB's gRPC protocol, as version 23.10 does. Throws where the address
 * cannot be bound.
 */
export async function startEventStoreServer(
  options: EventStoreServerOptions,
): Promise<EventStoreServer> {
  const { log, maxAppendBytes = megabyte, telemetry } = options;
  const stopping = new AbortController();
  const authenticate = createAuthentication(options.accounts);
  const serving: Serving = { authenticate, log: telemetry, stop: stopping.signal };
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  });
  const instance = randomUUID();
  const streams = createStreams({ log, serving, maxAppendBytes });
  server.addService(streamsDefinition, streams);
  server.addService(featuresGrpc.ServerFeaturesService, {
    getSupportedMethods: unary(serving, supportedMethods),
  });
  server.addService(gossipGrpc.GossipService, {
    read: unary(serving, (_request, _caller, reached) => gossip(instance, reached)),
  });
  addHealth(server, servedServices, stopping.signal);
  const port = await bind(server, options);
  await beginEpoch(log, instance);

  async function close(): Promise<void> {
    stopping.abort();
    const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([closed, patience]);
    clearTimeout(timer);
    server.forceShutdown();
  }

  return { port, close };
}

const streamsDefinition = {
  ...streamsGrpc.StreamsService,
  batchAppend: { ...streamsGrpc.StreamsService.batchAppend, requestDeserialize: readBatchAppend },
};

function bind(server: Server, { host = '127.0.0.1', port = 0, tls }: EventStoreServerOptions) {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise<number>((resolve, reject) => {
    server.bindAsync(authority, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`cannot listen on ${authority}: ${error.message}`));
    });
  });
}
