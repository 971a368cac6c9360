import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../../src/engines/sqlite/event-log.ts';
import {
  DeleteTradingStrategyCommandSchema,
  PauseTradingStrategyCommandSchema,
  RecordTradeCommandSchema,
  WithdrawCashCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CandleInterval,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { ReserveForSignalCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { SignalAcceptedSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { isRejection } from '../../../../src/kernel/rejection.ts';
import type { EventStore } from '../../../../src/write/event-store.ts';
import { accepted, admin, bob, codeOf } from '../../../support/command-bus.ts';
import {
  createDesk,
  type Desk,
  type DeskOptions,
  day,
  daySeconds,
  firstDay,
  internal,
} from '../../../support/signal-desk.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db'), synchronous: 'NORMAL' });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

/** At a last close of 100. */
async function deskAt100(options: DeskOptions = {}): Promise<Desk> {
  const desk = await createDesk(store, options);
  await desk.candles([90, 110, 80, 100]);
  return desk;
}

type Signal = Parameters<Desk['execute']>[0];

const quantity = (value: string) => ({ size: { case: 'quantity' as const, value } });
const fraction = (value: string) => ({ size: { case: 'fraction' as const, value } });

/** The terms of an accepted signal, or the code of its refusal. */
async function termsOf(desk: Desk, more: Signal, by?: Parameters<Desk['execute']>[1]) {
  const outcome = await desk.execute(more, by);
  if (isRejection(outcome)) return outcome.code;
  const stream = `signal-${outcome.aggregateId}`;
  const [event] = await desk.events(stream, SignalAcceptedSchema);
  const { terms } = event ?? {};
  if (terms === undefined) throw new Error('no terms');
  return `${terms.quantity} for ${terms.budget}`;
}

/** A trade beside the signals, at a day of the candles. */
async function trade(desk: Desk, side: TradeSide, units: string, price: string, dayNumber = 0) {
  const executedAt = timestampFromMs((firstDay + dayNumber * daySeconds) * 1000);
  const { portfolioId, instrumentId } = desk;
  const of = { portfolioId, instrumentId, side, quantity: units, price, executedAt };
  accepted(await desk.bus.send(RecordTradeCommandSchema, of));
}

describe('a signal', () => {
  test('is accepted with all that later steps need', async () => {
    const desk = await deskAt100({ risk: { maxPositionSize: '0.5', cooldownSeconds: 60 } });
    const { aggregateId } = accepted(await desk.execute(quantity('1.0019')));
    const [event] = await desk.events(`signal-${aggregateId}`, SignalAcceptedSchema);
    const { $typeName: _, $unknown: __, ...terms } = event?.terms ?? ({} as never);
    expect({ ...terms, execution: { ...terms.execution } }).toMatchObject({
      ...{ orderId: aggregateId, signalId: aggregateId, userId: 'alice' },
      ...{ portfolioId: desk.portfolioId, strategyId: desk.strategyId },
      ...{ instrumentId: desk.instrumentId, interval: day, side: TradeSide.BUY },
      ...{ quantity: '1.001', limitPrice: '', stopPrice: '', budget: '105.105' },
      ...{ placedAfter: BigInt(firstDay), goodForCandles: 5, venue: 'paper' },
      execution: { feeRate: '0', slippage: '0', delayCandles: 0, rejectionRate: '0' },
      ...{ baseAsset: 'BTC', quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.001' },
      minimumOrderSize: '0.01',
    });
    expect({ ...event?.limits }).toMatchObject({
      ...{ price: '100', equity: '1000', positionValue: '500', openPositions: 0 },
    });
    expect(event?.riskProfile?.cooldownSeconds).toBe(60);
  });

  test('is sized by lots, fees, slippage and the cash that is free', async () => {
    const desk = await deskAt100();
    const costs = { execution: { feeRate: '0.01', slippage: '0.01' } };
    expect(await termsOf(desk, { ...quantity('2'), ...costs })).toBe('2 for 214.221');
    expect(await termsOf(desk, { ...quantity('9.5'), ...costs })).toBe('9.5 for 1000');
    expect(await termsOf(desk, { ...quantity('9.9'), ...costs })).toBe('INSUFFICIENT_CASH');
    const limit = { ...quantity('2'), limitPrice: '90' };
    expect(await termsOf(desk, { ...limit, ...costs })).toBe('2 for 181.8');
    expect(await termsOf(desk, { ...quantity('2'), limitPrice: '0' })).toBe('AMOUNT_NOT_POSITIVE');
    expect(await termsOf(desk, fraction('0.12345'))).toBe('1.234 for 123.45');
    expect(await termsOf(desk, fraction('1'))).toBe('10 for 1000');
    expect(await termsOf(desk, fraction('0.0'))).toBe('AMOUNT_NOT_POSITIVE');
    expect(await termsOf(desk, quantity('0.0099'))).toBe('QUANTITY_BELOW_MINIMUM');
    expect(await termsOf(desk, fraction('0.0005'))).toBe('QUANTITY_BELOW_MINIMUM');
  });

  test('sells what is held and free', async () => {
    const desk = await deskAt100();
    const sale = { side: TradeSide.SELL };
    expect(await termsOf(desk, { ...sale, ...fraction('1') })).toBe('INSUFFICIENT_POSITION');
    await trade(desk, TradeSide.BUY, '2', '100');
    expect(await termsOf(desk, { ...sale, ...fraction('0.5') })).toBe('1 for ');
    expect(await termsOf(desk, { ...sale, ...quantity('2') })).toBe('2 for ');
    expect(await termsOf(desk, { ...sale, ...quantity('2.1') })).toBe('INSUFFICIENT_POSITION');
  });

  test('needs the strategy and the portfolio of its user', async () => {
    const desk = await deskAt100();
    expect(await termsOf(desk, {}, bob)).toBe('NOT_THE_OWNER');
    expect(await termsOf(desk, { userId: 'bob' }, bob)).toBe('STRATEGY_UNKNOWN');
    expect(await termsOf(desk, { strategyId: randomUUID() })).toBe('STRATEGY_UNKNOWN');
    expect(await termsOf(desk, { portfolioId: randomUUID() })).toBe('PORTFOLIO_UNKNOWN');
    expect(await termsOf(desk, {}, admin)).toBe('1 for 105');
    expect(await termsOf(desk, { userId: 'bob' }, admin)).toBe('STRATEGY_UNKNOWN');
  });

  test('needs an active strategy; a paused one sells', async () => {
    const desk = await deskAt100();
    await trade(desk, TradeSide.BUY, '1', '100');
    const { strategyId } = desk;
    accepted(await desk.bus.send(PauseTradingStrategyCommandSchema, { strategyId }));
    expect(await termsOf(desk, {})).toBe('STRATEGY_NOT_ACTIVE');
    expect(await termsOf(desk, { side: TradeSide.SELL })).toBe('1 for ');
    accepted(await desk.bus.send(DeleteTradingStrategyCommandSchema, { strategyId }));
    expect(await termsOf(desk, { side: TradeSide.SELL })).toBe('STRATEGY_UNKNOWN');
  });

  test('needs an instrument in the currency of the portfolio, and a price', async () => {
    const desk = await deskAt100();
    const other = `${desk.instrumentId}-X`;
    expect(await termsOf(desk, { instrumentId: other })).toBe('INSTRUMENT_UNKNOWN');
    accepted(await desk.register(other));
    expect(await termsOf(desk, { instrumentId: other })).toBe('PRICE_UNKNOWN');
    const hours = { interval: CandleInterval.CANDLE_INTERVAL_1H };
    expect(await termsOf(desk, hours)).toBe('PRICE_UNKNOWN');
  });

  test('is decided at the last candle; a process may be a little behind', async () => {
    const desk = await deskAt100();
    await desk.candles([100, 200, 100, 200]);
    expect(await termsOf(desk, fraction('1'))).toBe('5 for 1000');
    const before = { ...fraction('1'), atCandle: BigInt(firstDay) };
    expect(await termsOf(desk, before)).toBe('CANDLE_NOT_LAST');
    const both = { subject: 'alice', roles: ['user', 'process'] };
    expect(await termsOf(desk, before, both)).toBe('10 for 1000');
    expect(await termsOf(desk, { ...before, atCandle: 1n }, both)).toBe('CANDLE_NOT_RECENT');
  });
});

describe('the risk profile', () => {
  test('limits the size of a position, with what is held and about to be bought', async () => {
    const desk = await deskAt100({ risk: { maxPositionSize: '0.3' } });
    expect(await termsOf(desk, quantity('3'))).toBe('3 for 315');
    expect(await termsOf(desk, quantity('3.001'))).toBe('POSITION_SIZE_EXCEEDED');
    expect(await termsOf(desk, fraction('1'))).toBe('3 for 300');
    await trade(desk, TradeSide.BUY, '2', '100');
    expect(await termsOf(desk, quantity('1'))).toBe('1 for 105');
    expect(await termsOf(desk, quantity('1.001'))).toBe('POSITION_SIZE_EXCEEDED');
    expect(await termsOf(desk, fraction('1'))).toBe('1 for 100');
    // At the last close 2 of them are worth 400 of 1200.
    await desk.candles([200, 200, 200, 200]);
    expect(await termsOf(desk, quantity('0.01'))).toBe('POSITION_SIZE_EXCEEDED');
    expect(await termsOf(desk, fraction('1'))).toBe('QUANTITY_BELOW_MINIMUM');
  });

  test('limits the open positions, beside one that is open already', async () => {
    const desk = await deskAt100({ risk: { maxOpenPositions: 1 } });
    await trade(desk, TradeSide.BUY, '1', '100');
    expect(await termsOf(desk, quantity('1'))).toBe('1 for 105');
    const other = await createDesk(store);
    await other.candles([100, 100, 100, 100]);
    const { instrumentId } = other;
    expect(await termsOf(desk, { instrumentId })).toBe('TOO_MANY_OPEN_POSITIONS');
    await trade(desk, TradeSide.SELL, '1', '100');
    expect(await termsOf(desk, { instrumentId })).toBe('1 for 105');
  });

  test('lets time pass behind an exit, by the time of the market', async () => {
    const desk = await deskAt100({ risk: { cooldownSeconds: 2 * daySeconds } });
    await trade(desk, TradeSide.BUY, '2', '100');
    await trade(desk, TradeSide.SELL, '1', '100', 1);
    expect(await termsOf(desk, {})).toBe('1 for 105');
    await trade(desk, TradeSide.SELL, '1', '100', 1);
    expect(await termsOf(desk, {})).toBe('SIGNAL_COOLDOWN');
    await desk.candles([100, 100, 100, 100]);
    expect(await termsOf(desk, {})).toBe('SIGNAL_COOLDOWN');
    await desk.candles([100, 100, 100, 100]);
    expect(await termsOf(desk, {})).toBe('1 for 105');
  });

  test('buys nothing at its maximum drawdown, whatever was paid in or out', async () => {
    const desk = await deskAt100({ risk: { maxDrawdown: '0.2' } });
    await trade(desk, TradeSide.BUY, '10', '100');
    await desk.candles([80, 81, 80, 81]);
    await trade(desk, TradeSide.SELL, '5', '81', 1);
    expect(await termsOf(desk, quantity('1'))).toBe('1 for 85.05');
    const { portfolioId } = desk;
    const occurredAt = timestampFromMs((firstDay + daySeconds) * 1000);
    const out = { portfolioId, amount: '300', occurredAt };
    accepted(await desk.bus.send(WithdrawCashCommandSchema, out));
    expect(await termsOf(desk, quantity('1'))).toBe('1 for 85.05');
    await desk.candles([81, 81, 75, 75]);
    // 105 + 5 x 75, of 1000 x 510 / 810 at the peak.
    expect(await termsOf(desk, quantity('1'))).toBe('MAX_DRAWDOWN_REACHED');
    expect(await termsOf(desk, { side: TradeSide.SELL, ...quantity('1') })).toBe('1 for ');
  });

  test('counts the peak of the last signal, too', async () => {
    const desk = await deskAt100({ risk: { maxDrawdown: '0.2' } });
    await trade(desk, TradeSide.BUY, '5', '100');
    await desk.candles([200, 200, 200, 200]);
    const { aggregateId } = accepted(await desk.execute(quantity('1')));
    const [event] = await desk.events(`signal-${aggregateId}`, SignalAcceptedSchema);
    const { portfolioId } = desk;
    const { terms, limits } = event ?? {};
    const reserve = { portfolioId, terms, limits } as never;
    expect(await desk.send(ReserveForSignalCommandSchema, reserve)).toEqual(['FundsReserved']);
    // 500 + 5 x 150 = 1250, of 1500.
    await desk.candles([200, 200, 150, 150]);
    expect(await termsOf(desk, quantity('0.1'))).toBe('0.1 for 15.75');
    await desk.candles([150, 150, 140, 140]);
    expect(await termsOf(desk, quantity('0.1'))).toBe('MAX_DRAWDOWN_REACHED');
  });

  test('limits the leverage', async () => {
    const desk = await deskAt100({ risk: { maxLeverage: '1' } });
    expect(await termsOf(desk, quantity('10'))).toBe('10 for 1000');
    const cheap = { limitPrice: '80' };
    expect(await termsOf(desk, { ...quantity('12'), ...cheap })).toBe('LEVERAGE_EXCEEDED');
    // What two signals at once reserve is exposure, too: of the free cash it takes more than it buys.
    const { aggregateId } = accepted(await desk.execute(quantity('5')));
    const [event] = await desk.events(`signal-${aggregateId}`, SignalAcceptedSchema);
    const { terms, limits } = event ?? {};
    const reserve = { portfolioId: desk.portfolioId, terms, limits } as never;
    expect(await desk.send(ReserveForSignalCommandSchema, reserve)).toEqual(['FundsReserved']);
    expect(await termsOf(desk, fraction('1'))).toBe('4.75 for 475');
    expect(await termsOf(desk, quantity('4.8'))).toBe('INSUFFICIENT_CASH');
  });

  test('values other instruments at their last close', async () => {
    const desk = await deskAt100({ risk: { maxPositionSize: '0.3' } });
    const other = await createDesk(store, { bus: desk.bus });
    await other.candles([100, 100, 100, 100]);
    const { portfolioId } = desk;
    const of = { portfolioId, instrumentId: other.instrumentId, side: TradeSide.BUY };
    const executedAt = timestampFromMs(firstDay * 1000);
    const bought = { ...of, quantity: '5', price: '100', executedAt };
    accepted(await desk.bus.send(RecordTradeCommandSchema, bought));
    expect(await termsOf(desk, fraction('1'))).toBe('3 for 300');
    await other.candles([200, 200, 200, 200]);
    expect(await termsOf(desk, fraction('1'))).toBe('4.5 for 450');
  });
});

test('nobody but processes reserves', async () => {
  const desk = await deskAt100();
  const { aggregateId } = accepted(await desk.execute());
  const [event] = await desk.events(`signal-${aggregateId}`, SignalAcceptedSchema);
  const { terms, limits } = event ?? {};
  const command = { portfolioId: desk.portfolioId, terms, limits } as never;
  const { bus } = desk;
  expect(codeOf(await bus.send(ReserveForSignalCommandSchema, command))).toBe('ROLE_MISSING');
  accepted(await bus.send(ReserveForSignalCommandSchema, command, internal));
});
