import { describe, expect, test } from '@jest/globals';
import { createMetrics } from '../../../src/transport/metrics.ts';
import { ended, onCreate, onWatch, receipt, watched } from './rpcs.ts';
import { serve, until } from './server-kit.ts';

/** The lines of the given metrics, without comments. */
function linesOf(text: string, prefix: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(prefix));
}

describe('the metrics of a bus', () => {
  test('count and time messages by name and outcome', async () => {
    const metrics = createMetrics('write');
    const bus = metrics.bus('command', ['a.Open', 'a.Close']);
    bus.observe('a.Open', 'accepted', 0.002);
    bus.observe('a.Open', 'accepted', 0.2);
    bus.observe('a.Open', 'NAME_TAKEN', 20);
    const text = await metrics.text();
    expect(linesOf(text, 'cqrs_command_total')).toEqual([
      'cqrs_command_total{command="a.Open",outcome="accepted",process="write"} 2',
      'cqrs_command_total{command="a.Open",outcome="NAME_TAKEN",process="write"} 1',
    ]);
    const count = 'cqrs_command_duration_seconds_bucket{le=';
    const labels = 'process="write",command="a.Open"';
    expect(linesOf(text, count)).toEqual(
      expect.arrayContaining([
        `${count}"0.001",${labels}} 0`,
        `${count}"0.0025",${labels}} 1`,
        `${count}"0.25",${labels}} 2`,
        `${count}"+Inf",${labels}} 3`,
      ]),
    );
  });

  test('have their twins for queries', async () => {
    const metrics = createMetrics('read');
    metrics.bus('query', ['a.Get']).observe('a.Get', 'accepted', 0.001);
    const text = await metrics.text();
    expect(linesOf(text, 'cqrs_query_total{')).toHaveLength(1);
    expect(linesOf(text, 'cqrs_query_duration_seconds_count{')).toHaveLength(1);
  });

  test('do not grow with what callers make up', async () => {
    const metrics = createMetrics('write');
    const bus = metrics.bus('command', ['a.Open']);
    for (let i = 0; i < 1000; i += 1) bus.observe(`made.up.N${i}`, 'accepted', 0.001);
    for (let i = 0; i < 1000; i += 1) bus.observe('a.Open', `CODE_${i}`, 0.001);
    bus.observe('a.Open', 'a text\nwith a line', 0.001);
    const lines = linesOf(await metrics.text(), 'cqrs_command_total');
    expect(lines.length).toBeLessThanOrEqual(202);
    expect(lines).toContain(
      'cqrs_command_total{command="other",outcome="accepted",process="write"} 1000',
    );
  });
});

test('a gauge is read when metrics are collected, and forgets what is gone', async () => {
  const metrics = createMetrics('projector');
  let values = [
    { labels: ['candles'], value: 7 },
    { labels: ['trades'], value: 8 },
  ];
  metrics.addGauge({ name: 'lag', help: 'Lag.', labels: ['view'], collect: () => values });
  expect(linesOf(await metrics.text(), 'lag')).toEqual([
    'lag{view="candles",process="projector"} 7',
    'lag{view="trades",process="projector"} 8',
  ]);
  values = [{ labels: ['trades'], value: 9 }];
  expect(linesOf(await metrics.text(), 'lag')).toEqual([
    'lag{view="trades",process="projector"} 9',
  ]);
});

test('a server serves them, with its own calls', async () => {
  const atWork = { calls: 0 };
  const watch = onWatch(async function* (_, { signal }) {
    atWork.calls += 1;
    yield watched('1');
    await ended(signal);
  });
  const gate = Promise.withResolvers<void>();
  const slow = onCreate(async () => {
    atWork.calls += 1;
    await gate.promise;
    return receipt('1');
  });
  await using server = await serve([watch, slow], { limits: { maxInFlight: 1 } });
  const post = (rpc: string, type: string, body: string | Uint8Array) =>
    fetch(`${server.baseUrl}/cipherhorizon.trading.v1.${rpc}`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
  const command = 'TradingCommandService/CreateTradingStrategy';
  const watching = await post(
    'TradingQueryService/WatchStrategy',
    'application/connect+json',
    Uint8Array.from([0, 0, 0, 0, 2, 0x7b, 0x7d]),
  );
  const slowCall = post(command, 'application/json', '{}');
  await until(() => atWork.calls === 2);
  expect((await post(command, 'application/json', '{}')).status).toBe(429);

  const response = await fetch(`${server.baseUrl}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(linesOf(text, 'rpc_')).toEqual([
    'rpc_in_flight{kind="unary",process="test"} 1',
    'rpc_in_flight{kind="stream",process="test"} 1',
    'rpc_overloads{process="test"} 1',
  ]);
  expect(linesOf(text, 'nodejs_eventloop_lag_seconds')).toHaveLength(1);
  gate.resolve();
  await slowCall;
  await watching.body?.cancel();
});
