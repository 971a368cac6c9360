import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { SynchronisationMode } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { clientOf, eventually } from '../support/clients.ts';
import { startUp, type Up } from '../support/horizon-cli.ts';
import { type Collector, startCollector } from '../support/otlp-collector.ts';
import { temporaryFolder } from '../support/temporary.ts';

// A trace from a caller to the views, as a collector gets it from the three servers.

jest.setTimeout(60_000);

const folder = temporaryFolder();
let collector: Collector;
let up: Up;

beforeAll(async () => {
  collector = await startCollector();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  up = await startUp(join(folder, 'data'));
});

afterAll(async () => {
  await up.stop('SIGTERM');
  await collector.stop();
});

const metadata = { synchronisation: { mode: SynchronisationMode.IMMEDIATE } };

function open(portfolioName: string, traceparent?: string) {
  return clientOf(up, 'write', TradingCommandService).openPortfolio(
    {
      ...{ userId: 'local', portfolioName, baseCurrency: 'USD', metadata },
      costBasisMethod: CostBasisMethod.FIFO,
    },
    traceparent === undefined ? {} : { headers: { traceparent } },
  );
}

function spansOf(traceId: string, service: string) {
  return collector.spans.filter((span) => span.traceId === traceId && span.service === service);
}

test("a command, its projection and a query are spans of their caller's trace", async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const caller = 'b7ad6b7169203331';
  const traceparent = `00-${traceId}-${caller}-01`;
  const { commandId, aggregateId: portfolioId } = await open('Traced', traceparent);
  const queries = clientOf(up, 'read', TradingQueryService);
  await queries.getPortfolio({ portfolioId }, { headers: { traceparent } });

  await eventually(async () => {
    const [command] = spansOf(traceId, 'write-server');
    expect(command).toMatchObject({ name: 'OpenPortfolioCommand', parentSpanId: caller });
    expect(command?.attributes).toEqual({ 'command.id': commandId });
    expect(command?.durationNs).toBeGreaterThan(0n);
    const applied = spansOf(traceId, 'projector');
    expect(applied.map(({ attributes }) => attributes.view)).toContain('trading_portfolios');
    for (const { name, parentSpanId, durationNs } of applied) {
      expect({ name, parentSpanId }).toEqual({
        ...{ name: 'apply events', parentSpanId: command?.spanId },
      });
      expect(durationNs).toBeGreaterThan(0n);
    }
    const query = { name: 'GetPortfolioQuery', parentSpanId: caller };
    expect(spansOf(traceId, 'read-server')).toMatchObject([query]);
  });
});

test('what its caller does not sample is not sent', async () => {
  const unsampled = '1'.repeat(32);
  await open('Not traced', `00-${unsampled}-b7ad6b7169203331-00`);
  const sampled = '2'.repeat(32);
  await open('Traced later', `00-${sampled}-b7ad6b7169203331-01`);
  await eventually(async () => expect(spansOf(sampled, 'projector')).not.toEqual([]));
  expect(collector.spans.filter(({ traceId }) => traceId === unsampled)).toEqual([]);
});

test('what is left is sent when the servers stop', async () => {
  const last = '3'.repeat(32);
  await open('The last one', `00-${last}-b7ad6b7169203331-01`);
  expect(await up.stop('SIGTERM')).toBe(0);
  expect(spansOf(last, 'write-server')).toHaveLength(1);
  expect(spansOf(last, 'projector')).not.toEqual([]);
});
