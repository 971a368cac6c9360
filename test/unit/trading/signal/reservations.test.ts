import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../../src/engines/sqlite/event-log.ts';
import {
  RecordTradeCommandSchema,
  WithdrawCashCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { TradeRecordedSchema } from '../../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { TradeSide } from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  CancelOrderCommandSchema,
  PlaceOrderCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  ReleaseReservationCommandSchema,
  ReserveForSignalCommandSchema,
  SettleSignalCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  FundsReservedSchema,
  ReservationReleasedSchema,
  SignalAcceptedSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { EventStore } from '../../../../src/write/event-store.ts';
import { accepted, alice } from '../../../support/command-bus.ts';
import { createDesk, type Desk, daySeconds, firstDay } from '../../../support/signal-desk.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db'), synchronous: 'NORMAL' });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

const at = (day: number) => timestampFromMs((firstDay + day * daySeconds) * 1000);

async function deskAt100(risk = {}): Promise<Desk> {
  const desk = await createDesk(store, { risk });
  await desk.candles([100, 100, 100, 100]);
  return desk;
}

/** An accepted signal, and the commands of its process on the portfolio. */
async function signalOf(desk: Desk, more: Parameters<Desk['execute']>[0] = {}) {
  const { aggregateId: signalId } = accepted(await desk.execute(more));
  const [event] = await desk.events(`signal-${signalId}`, SignalAcceptedSchema);
  const { terms, limits, riskProfile } = event ?? {};
  const { portfolioId } = desk;
  const cooldownSeconds = riskProfile?.cooldownSeconds ?? 0;
  const fill = (number: number, quantity: string, price: string, day = 1) => ({
    ...{ number, quantity, price, fee: '1', executedAt: at(day) },
  });
  return {
    signalId,
    terms,
    fill,
    reserve: () => {
      const command = { portfolioId, terms, limits, cooldownSeconds } as never;
      return desk.send(ReserveForSignalCommandSchema, command);
    },
    settle: (...fills: readonly ReturnType<typeof fill>[]) =>
      desk.send(SettleSignalCommandSchema, { portfolioId, terms, fills: [...fills] } as never),
    release: () => {
      const command = { portfolioId, signalId, orderId: signalId };
      return desk.send(ReleaseReservationCommandSchema, command);
    },
    place: () => desk.send(PlaceOrderCommandSchema, { orderId: signalId, terms } as never),
    cancel: () => desk.send(CancelOrderCommandSchema, { orderId: signalId }),
  };
}

function trade(desk: Desk, side: TradeSide, quantity: string, day = 0) {
  const { portfolioId, instrumentId } = desk;
  const command = { portfolioId, instrumentId, side, quantity, price: '100', executedAt: at(day) };
  return desk.send(RecordTradeCommandSchema, command, alice);
}

function withdraw({ send, portfolioId }: Desk, amount: string) {
  return send(WithdrawCashCommandSchema, { portfolioId, amount, occurredAt: at(1) }, alice);
}

describe('what is reserved', () => {
  test('is cash that nothing else takes', async () => {
    const desk = await deskAt100();
    const signal = await signalOf(desk, { size: { case: 'quantity', value: '6' } });
    expect(await signal.reserve()).toEqual(['FundsReserved']);
    const [event] = await desk.events(`portfolio-${desk.portfolioId}`, FundsReservedSchema);
    expect({ ...event }).toMatchObject({
      ...{ signalId: signal.signalId, cash: '630', units: '0', reservedCash: '630' },
      ...{ equity: '1000', price: '100', strategyId: desk.strategyId, side: TradeSide.BUY },
    });
    expect(await withdraw(desk, '370.01')).toBe('INSUFFICIENT_CASH');
    expect(await trade(desk, TradeSide.BUY, '3.701')).toBe('INSUFFICIENT_CASH');
    expect(await trade(desk, TradeSide.BUY, '3.7')).toEqual(['TradeRecorded']);
    expect(await trade(desk, TradeSide.SELL, '3.7')).toEqual(['TradeRecorded']);
    expect(await signal.release()).toEqual(['ReservationReleased']);
    expect(await withdraw(desk, '1000')).toEqual(['CashWithdrawn']);
  });

  test('is units that nothing else sells', async () => {
    const desk = await deskAt100();
    await trade(desk, TradeSide.BUY, '5');
    const sale = { side: TradeSide.SELL, size: { case: 'quantity' as const, value: '3' } };
    const [signal, other] = [await signalOf(desk, sale), await signalOf(desk, sale)];
    expect(await signal.reserve()).toEqual(['FundsReserved']);
    expect(await other.reserve()).toBe('INSUFFICIENT_POSITION');
    expect(await trade(desk, TradeSide.SELL, '2.001')).toBe('INSUFFICIENT_POSITION');
    expect(await trade(desk, TradeSide.SELL, '2')).toEqual(['TradeRecorded']);
    expect(await signal.settle(signal.fill(1, '3', '90'))).toEqual([
      'TradeRecorded',
      'ReservationReleased',
    ]);
    const sold = await desk.events(`portfolio-${desk.portfolioId}`, TradeRecordedSchema);
    expect(sold.at(-1)).toMatchObject({ position: '0', cash: '969', cashChange: '269' });
  });

  test('is decided once more, with what others have reserved since', async () => {
    const desk = await deskAt100({ maxPositionSize: '0.5', maxOpenPositions: 1 });
    const four = { size: { case: 'quantity' as const, value: '4' } };
    const [first, second] = [await signalOf(desk, four), await signalOf(desk, four)];
    const other = await createDesk(store, { bus: desk.bus });
    await other.candles([100, 100, 100, 100]);
    const { instrumentId } = other;
    const third = await signalOf(desk, { ...four, instrumentId });
    expect(await first.reserve()).toEqual(['FundsReserved']);
    expect(await first.reserve()).toEqual([]);
    expect(await second.reserve()).toBe('POSITION_SIZE_EXCEEDED');
    expect(await third.reserve()).toBe('TOO_MANY_OPEN_POSITIONS');
    expect(await first.release()).toEqual(['ReservationReleased']);
    expect(await third.reserve()).toEqual(['FundsReserved']);
  });

  test('waits for the cooldown, too', async () => {
    const desk = await deskAt100({ cooldownSeconds: daySeconds });
    const signal = await signalOf(desk);
    await trade(desk, TradeSide.BUY, '1');
    await trade(desk, TradeSide.SELL, '1', 1);
    expect(await signal.reserve()).toBe('SIGNAL_COOLDOWN');
  });
});

describe('a settlement', () => {
  test('records each fill as a trade and frees the rest, once', async () => {
    const desk = await deskAt100();
    const signal = await signalOf(desk, { size: { case: 'quantity', value: '2' } });
    expect(await signal.settle()).toBe('RESERVATION_NOT_FOUND');
    await signal.reserve();
    const fills = [signal.fill(1, '1', '99', 1), signal.fill(2, '1', '98', 2)] as const;
    const expected = ['TradeRecorded', 'TradeRecorded', 'ReservationReleased'];
    expect(await signal.settle(...fills)).toEqual(expected);
    expect(await signal.settle(...fills)).toBe('RESERVATION_NOT_FOUND');
    expect(await signal.release()).toEqual([]);
    const stream = `portfolio-${desk.portfolioId}`;
    const trades = await desk.events(stream, TradeRecordedSchema);
    expect(trades.map(({ cash, position, cashChange }) => [cash, position, cashChange])).toEqual([
      ['900', '1', '-100'],
      ['801', '2', '-99'],
    ]);
    expect(trades.map(({ executedAt }) => executedAt)).toEqual([at(1), at(2)]);
    expect(trades.map(({ strategyId }) => strategyId)).toEqual(Array(2).fill(desk.strategyId));
    const [released] = await desk.events(stream, ReservationReleasedSchema);
    expect(released?.tradeIds).toEqual(trades.map(({ tradeId }) => tradeId));
    expect(new Set(released?.tradeIds).size).toBe(2);
    expect(released?.reservedCash).toBe('0');
  });

  test('keeps the order of time where something else came later', async () => {
    const desk = await deskAt100();
    const signal = await signalOf(desk);
    await signal.reserve();
    await trade(desk, TradeSide.BUY, '1', 5);
    await signal.settle(signal.fill(1, '1', '99'));
    const trades = await desk.events(`portfolio-${desk.portfolioId}`, TradeRecordedSchema);
    expect(trades.at(-1)?.executedAt).toEqual(at(5));
  });
});

describe('a release', () => {
  test('waits until the order is closed', async () => {
    const desk = await deskAt100();
    const signal = await signalOf(desk);
    await signal.reserve();
    expect(await signal.place()).toEqual(['OrderPlaced']);
    expect(await signal.release()).toBe('ORDER_STILL_OPEN');
    expect(await signal.cancel()).toEqual(['OrderClosed']);
    expect(await signal.release()).toEqual(['ReservationReleased']);
    expect(await signal.release()).toEqual([]);
  });

  test('of what was never reserved is none', async () => {
    const desk = await deskAt100();
    const { portfolioId } = desk;
    const of = { portfolioId, signalId: randomUUID() };
    expect(await desk.send(ReleaseReservationCommandSchema, of)).toEqual([]);
  });
});
