import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  CandleInterval,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { SignalCommandService } from '../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  OrderStatus,
  SignalStatus,
} from '../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { SignalQueryService } from '../../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { clientOf, eventually, processesOf } from '../support/clients.ts';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = temporaryFolder();
let up: Up;
beforeAll(async () => {
  up = await startUp(folder);
}, 60_000);
afterAll(async () => {
  await up.stop('SIGTERM');
}, 30_000);

const daySeconds = 86_400;
const firstDay = Date.UTC(2024, 0, 1) / 1000;
const instrumentId = 'BTC-USD';
const interval = CandleInterval.CANDLE_INTERVAL_1D;

async function prepared() {
  const trading = clientOf(up, 'write', TradingCommandService);
  await trading.registerInstrument({
    ...{ instrumentId, assetClass: AssetClass.CRYPTO, baseAsset: 'BTC', quoteCurrency: 'USD' },
    ...{ tickSize: '0.01', lotSize: '0.001' },
  });
  const userId = 'local';
  const { aggregateId: portfolioId } = await trading.openPortfolio({
    ...{ userId, portfolioName: 'Desk', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  const occurredAt = timestampFromMs((firstDay - daySeconds) * 1000);
  await trading.depositCash({ portfolioId, amount: '1000', occurredAt });
  const rule = {
    indicator: { indicator: Indicator.RSI, window: 14 },
    comparator: Comparator.BELOW,
    against: { case: 'threshold' as const, value: '30' },
    action: RuleAction.ENTER_LONG,
  };
  const { aggregateId: strategyId } = await trading.createTradingStrategy({
    ...{ userId, strategyName: 'Dip', rules: [rule], riskProfile: { maxPositionSize: '0.5' } },
  });
  await trading.activateTradingStrategy({ strategyId });
  return { userId, portfolioId, strategyId };
}

function record(index: number, price: string, commandId: string) {
  const start = BigInt(firstDay + index * daySeconds);
  const prices = { open: price, high: price, low: price, close: price };
  return clientOf(up, 'write', TradingCommandService).recordCandles({
    ...{ instrumentId, interval, candles: [{ start, ...prices, volume: '1000' }] },
    metadata: { commandId },
  });
}

async function killWriteServer() {
  const pid = processesOf(up).get('write-server');
  if (pid === undefined) throw new Error('it is not running');
  process.kill(pid, 'SIGKILL');
}

describe('signals over the three servers', () => {
  test('are settled once, whatever happens to the write server', async () => {
    const of = await prepared();
    await record(0, '100', '00000000-0000-4000-8000-000000000000');
    const signals = clientOf(up, 'write', SignalCommandService);
    const queries = clientOf(up, 'read', SignalQueryService);
    const execution = { feeRate: '0.001', slippage: '0' };
    const { aggregateId: signalId } = await signals.executeTradeSignal({
      ...{ ...of, instrumentId, interval, side: TradeSide.BUY, execution },
      size: { case: 'fraction', value: '1' },
    });
    await killWriteServer();
    const placed = await eventually(async () => {
      const { signal } = await queries.getSignal({ signalId });
      if (signal?.orderStatus !== OrderStatus.OPEN) throw new Error('it is not placed yet');
      return signal;
    });
    expect([placed.quantity, placed.budget, placed.price]).toEqual(['5', '500', '100']);
    await eventually(async () => {
      const waiting = await runHorizon(['portfolio', of.portfolioId], up.env);
      expect(waiting.stdout).toMatch(
        / cash +1,000.00 USD\n +reserved +500.00 USD\n +free +500.00 /,
      );
    });
    await eventually(() => record(1, '110', '00000000-0000-4000-8000-000000000001'));
    await killWriteServer();
    const settled = await eventually(async () => {
      const { signal } = await queries.getSignal({ signalId });
      if (signal?.status !== SignalStatus.SETTLED) throw new Error('it is not settled yet');
      return signal;
    });
    // 500 pay for 4.54 at 110 with a fee of 0.1 %.
    expect([settled.filledQuantity, settled.averagePrice]).toEqual(['4.54', '110']);
    const { portfolioId } = of;
    await eventually(async () => {
      const { portfolio } = await clientOf(up, 'read', TradingQueryService).getPortfolio({
        portfolioId,
      });
      expect(portfolio?.cash).toBe('500.1006');
      expect([portfolio?.reservedCash, portfolio?.freeCash]).toEqual(['0', '500.1006']);
      expect(portfolio?.positions.map(({ quantity }) => quantity)).toEqual(['4.54']);
    });
    const list = await queries.listSignals({ userId: 'local', portfolioId });
    expect(list.signals.map((one) => one.signalId)).toEqual([signalId]);
    const shown = await runHorizon(['signals', signalId], up.env);
    expect(shown.stderr).toBe('');
    expect(shown.stdout).toMatch(/status +settled/);
    const listed = await runHorizon(['signals', '--status', 'settled'], up.env);
    expect(listed.stdout).toMatch(new RegExp(`${signalId} +BTC-USD +buy +settled +5 +4.54`));
    const failed = await runHorizon(['signals', '--status', 'failed'], up.env);
    expect([failed.exit, failed.stdout]).toEqual([0, '']);
    expect((await runHorizon(['signals', '--status', 'new'], up.env)).exit).toBe(2);
    const processes = await runHorizon(['process', 'list'], up.env);
    expect(processes.stdout).toMatch(/trade_signal_1d.*completed/);
  }, 120_000);
});
