import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

// A strategy that trades by itself, in the servers that `up` starts: candles alone come in.

jest.setTimeout(120_000);

const folder = temporaryFolder();
let up: Up;

beforeAll(async () => {
  up = await startUp(join(folder, 'data'));
});

afterAll(() => up.stop('SIGTERM'));

async function call(rpc: string, request: object) {
  const result = await runHorizon(['call', rpc, JSON.stringify(request)], up.env);
  if (result.exit !== 0) throw new Error(`${rpc}: ${JSON.stringify(result)}`);
  return JSON.parse(result.stdout);
}

const price = (comparator: string, threshold: string, action: string) => ({
  indicator: { indicator: 'INDICATOR_PRICE' },
  ...{ comparator: `COMPARATOR_${comparator}`, threshold, action: `RULE_ACTION_${action}` },
});

test('candles that are recorded are bought and sold on, as the rules say', async () => {
  await call('RegisterInstrument', {
    ...{ instrumentId: 'BTC-USD', assetClass: 'ASSET_CLASS_CRYPTO', market: 'example' },
    ...{ baseAsset: 'BTC', quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.001' },
  });
  const { aggregateId: strategyId } = await call('CreateTradingStrategy', {
    ...{ userId: 'local', strategyName: 'Over 100' },
    rules: [price('ABOVE', '100', 'ENTER_LONG'), price('BELOW', '90', 'EXIT_LONG')],
  });
  await call('ActivateTradingStrategy', { strategyId });
  const { aggregateId: portfolioId } = await call('OpenPortfolio', {
    ...{ userId: 'local', portfolioName: 'Live', baseCurrency: 'USD' },
    costBasisMethod: 'COST_BASIS_METHOD_FIFO',
  });
  const occurredAt = '2024-01-01T00:00:00Z';
  await call('DepositCash', { portfolioId, amount: '1000', occurredAt });
  const { aggregateId: runId } = await call('StartStrategyRun', {
    ...{ userId: 'local', strategyId, portfolioId, instrumentId: 'BTC-USD' },
    ...{ interval: 'CANDLE_INTERVAL_1D', fraction: '0.5' },
    execution: { feeRate: '0', slippage: '0' },
  });
  const trades = async () =>
    (await call('ListTrades', { portfolioId })).trades.map(
      ({ side, quantity, price: at }: { side: string; quantity: string; price: string }) =>
        `${side} ${quantity} at ${at}`,
    );
  const untilTrades = async (count: number) => {
    for (;;) {
      const found = await trades();
      if (found.length >= count) return found;
      await delay(100);
    }
  };
  let start = Date.UTC(2024, 0, 2) / 1000;
  const candle = async (open: number, close: number) => {
    const [high, low] = [Math.max(open, close), Math.min(open, close)];
    const texts = { open: `${open}`, high: `${high}`, low: `${low}`, close: `${close}` };
    await call('RecordCandles', {
      ...{ instrumentId: 'BTC-USD', interval: 'CANDLE_INTERVAL_1D' },
      candles: [{ start: String(start), ...texts, volume: '100' }],
    });
    start += 86_400;
  };
  await candle(95, 95);
  await candle(95, 125);
  // Half of 1000, sized at 125, is bought at the opening of 100.
  await candle(100, 110);
  expect(await untilTrades(1)).toEqual(['TRADE_SIDE_BUY 4 at 100']);
  await candle(110, 80);
  await candle(120, 85);
  expect((await untilTrades(2)).sort()).toEqual([
    'TRADE_SIDE_BUY 4 at 100',
    'TRADE_SIDE_SELL 4 at 120',
  ]);
  await call('StopStrategyRun', {
    runId,
    metadata: { synchronisation: { mode: 'SYNCHRONISATION_MODE_IMMEDIATE' } },
  });
  const { run } = await call('GetStrategyRun', { runId });
  expect(run).toMatchObject({
    ...{ status: 'STRATEGY_RUN_STATUS_STOPPED', candles: '5', signals: '2', lastClose: '85' },
    ...{ fraction: '0.5', lastSignalSide: 'TRADE_SIDE_SELL', portfolioId, strategyId },
  });
  const { stdout } = await runHorizon(['runs', '--strategy', strategyId], up.env);
  expect(stdout).toContain(runId);
  expect(stdout).toContain('2, last sell');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
