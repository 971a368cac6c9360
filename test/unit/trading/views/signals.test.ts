import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CandleInterval,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  OrderClosedSchema,
  OrderFilledSchema,
  OrderPlacedSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  SignalAcceptedSchema,
  SignalExecutionStartedSchema,
  SignalExitRaisedSchema,
  SignalExitReachedSchema,
  SignalExitsRearmedSchema,
  SignalFailedSchema,
  SignalSettledSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderStatus,
  SignalOrigin,
  SignalStatus,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { SignalQueryService } from '../../../../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { createLog, type LoggedEvent } from '../../../support/project.ts';
import { analyst, answered, bob, callOf, refused, uuid } from '../../../support/query-bus.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = SignalQueryService;
const folder = temporaryFolder();
const at = (seconds: number) => timestampFromMs(Date.UTC(2026, 0, 1) + seconds * 1000);

function termsOf(signalId: string, portfolioId: string) {
  return {
    ...{ orderId: signalId, signalId, userId: 'alice', portfolioId, strategyId: uuid(50) },
    ...{ instrumentId: 'BTC-USD', interval: CandleInterval.CANDLE_INTERVAL_1D },
    ...{ side: TradeSide.BUY, quantity: '2', budget: '210' },
  };
}

const limits = { price: '100', equity: '1000' };

/** One that is settled, and whose stop trails; one that fails; one that has just begun. */
function story(): readonly LoggedEvent[] {
  const log = createLog();
  const events: LoggedEvent[] = [];
  const of = (signalId: string) => ({ signalId, userId: 'alice' });
  const append = (stream: string, message: Parameters<typeof log.append>[1]) =>
    events.push(...log.append(stream, message));
  const accept = (number: number, portfolioId: string) => {
    const terms = termsOf(uuid(number), portfolioId);
    const signal = { signalId: uuid(number), terms, limits, origin: SignalOrigin.REQUEST };
    append(
      `signal-${uuid(number)}`,
      create(SignalAcceptedSchema, { ...signal, acceptedAt: at(number) }),
    );
    return terms;
  };
  const terms = accept(1, uuid(10));
  const [signal, order] = [`signal-${uuid(1)}`, `order-${uuid(1)}`];
  append(signal, create(SignalExecutionStartedSchema, { ...of(uuid(1)), startedAt: at(2) }));
  append(order, create(OrderPlacedSchema, { orderId: uuid(1), terms, placedAt: at(3) }));
  append(order, create(OrderFilledSchema, { ...of(uuid(1)), orderId: uuid(1), filled: '2' }));
  const closed = { orderId: uuid(1), terms, status: OrderStatus.FILLED, filled: '2' };
  append(order, create(OrderClosedSchema, { ...closed, closedAt: at(4) }));
  const exits = { stopLoss: '90', stopPrice: '95', bestPrice: '105', trailingStopDistance: '0.1' };
  const fills = { filledQuantity: '2', averagePrice: '100', fees: '1', exits, terms };
  append(signal, create(SignalSettledSchema, { ...of(uuid(1)), ...fills, settledAt: at(5) }));
  const raised = { ...exits, stopPrice: '99', bestPrice: '110' };
  append(signal, create(SignalExitRaisedSchema, { ...of(uuid(1)), terms, exits: raised }));
  accept(2, uuid(10));
  const why = { code: 'INSUFFICIENT_CASH', reason: 'too little', filledQuantity: '0' };
  append(
    `signal-${uuid(2)}`,
    create(SignalFailedSchema, { ...of(uuid(2)), ...why, failedAt: at(6) }),
  );
  accept(3, uuid(11));
  return events;
}

let read: Awaited<ReturnType<typeof startTradingRead>>;
beforeAll(async () => {
  read = await startTradingRead(folder, story());
});
afterAll(async () => {
  await read[Symbol.asyncDispose]();
});

test('a signal has what became of its order, and where it is left', async () => {
  const { signal } = answered(await read.ask(method.getSignal, { signalId: uuid(1) }));
  expect(signal).toMatchObject({
    ...{ signalId: uuid(1), userId: 'alice', portfolioId: uuid(10), side: TradeSide.BUY },
    ...{ status: SignalStatus.SETTLED, orderStatus: OrderStatus.FILLED, origin: 1 },
    ...{ quantity: '2', filledQuantity: '2', averagePrice: '100', fees: '1', budget: '210' },
    ...{ price: '100', equity: '1000', code: '', exitsWatched: true },
    ...{ acceptedAt: at(1), changedAt: at(5) },
  });
  expect(signal?.exits).toMatchObject({ stopLoss: '90', stopPrice: '99', bestPrice: '110' });
});

test('a level that was reached is watched no more, until what is left is watched again', async () => {
  const log = createLog();
  const stream = `signal-${uuid(1)}`;
  const signalId = uuid(1);
  const reached = { signalId, exitSignalId: uuid(7), reachedAt: at(9) };
  const exits = { stopLoss: '90', stopPrice: '101', bestPrice: '112', trailingStopDistance: '0.1' };
  const rearmed = { signalId, exitSignalId: uuid(7), exits, rearmedAt: at(10) };
  const events = story().flatMap(({ message, recorded }) => log.append(recorded.stream, message));
  const seen = async () => {
    await using bus = await startTradingRead(folder, events);
    const { signal } = answered(await bus.ask(method.getSignal, { signalId }));
    const { exitsWatched, exitAttempts, exitSignalId, changedAt } = signal ?? {};
    return [exitsWatched, exitAttempts, exitSignalId, signal?.exits?.stopPrice, changedAt];
  };
  expect(await seen()).toEqual([true, 0, '', '99', at(5)]);
  events.push(...log.append(stream, create(SignalExitReachedSchema, reached)));
  expect(await seen()).toEqual([false, 1, uuid(7), '99', at(9)]);
  events.push(...log.append(stream, create(SignalExitsRearmedSchema, rearmed)));
  expect(await seen()).toEqual([true, 1, uuid(7), '101', at(10)]);
  const again = { signalId, exitSignalId: uuid(8), reachedAt: at(11) };
  events.push(...log.append(stream, create(SignalExitReachedSchema, again)));
  expect(await seen()).toEqual([false, 2, uuid(8), '101', at(11)]);
});

test('signals are listed newest first, by what they are of and how they are', async () => {
  const list = async (more: object = {}) => {
    const answer = await read.ask(method.listSignals, { userId: 'alice', ...more });
    return answered(answer).signals.map(({ signalId }) => signalId);
  };
  expect(await list()).toEqual([uuid(3), uuid(2), uuid(1)]);
  expect(await list({ portfolioId: uuid(10) })).toEqual([uuid(2), uuid(1)]);
  expect(await list({ strategyId: uuid(51) })).toEqual([]);
  expect(await list({ statuses: [SignalStatus.FAILED] })).toEqual([uuid(2)]);
  expect(await list({ acceptedFrom: at(2), acceptedUntil: at(3) })).toEqual([uuid(2)]);
});

test('a signal that failed says why', async () => {
  const { signal } = answered(await read.ask(method.getSignal, { signalId: uuid(2) }));
  expect(signal).toMatchObject({ status: SignalStatus.FAILED, code: 'INSUFFICIENT_CASH' });
  expect(signal?.reason).toBe('too little');
});

test('signals are for their owner, and for analysts', async () => {
  const get = { signalId: uuid(1) };
  expect(refused(await read.ask(method.getSignal, get, callOf(bob))).code).toBe('SIGNAL_NOT_FOUND');
  answered(await read.ask(method.getSignal, get, callOf(analyst)));
  const list = await read.ask(method.listSignals, { userId: 'alice' }, callOf(bob));
  expect(refused(list).code).toBe('NOT_THE_OWNER');
});
