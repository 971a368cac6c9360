import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { expect, test } from '@jest/globals';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { onCreate, receipt } from './rpcs.ts';
import { failure, serve } from './server-kit.ts';

// A certificate for "localhost" that signs itself, and its key; valid for a century.
const pem = readFileSync(resolve(import.meta.dirname, 'localhost.pem'));
const command = create(CreateTradingStrategyCommandSchema, { strategyName: 'trend' });

test('with a certificate, both ports speak TLS alone, in HTTP/1.1 and HTTP/2', async () => {
  await using server = await serve([onCreate(({ strategyName }) => receipt(strategyName))], {
    tls: { cert: pem, key: pem },
  });
  const nodeOptions = { ca: pem };
  const http = `https://localhost:${server.httpPort}`;
  const transports = [
    createGrpcTransport({ baseUrl: `https://localhost:${server.grpcPort}`, nodeOptions }),
    createConnectTransport({ baseUrl: http, httpVersion: '1.1', nodeOptions }),
    createConnectTransport({ baseUrl: http, httpVersion: '2', nodeOptions }),
  ];
  for (const transport of transports) {
    const client = createClient(TradingCommandService, transport);
    expect(await client.createTradingStrategy(command)).toMatchObject({ commandId: 'trend' });
  }
  const plain = [
    createGrpcTransport({ baseUrl: `http://localhost:${server.grpcPort}` }),
    createConnectTransport({ baseUrl: `http://localhost:${server.httpPort}`, httpVersion: '1.1' }),
  ];
  for (const transport of plain) {
    const client = createClient(TradingCommandService, transport);
    await failure(client.createTradingStrategy(command));
  }
});
