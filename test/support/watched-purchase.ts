import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect } from '@jest/globals';
import type { RiskProfileSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { CandleInterval, TradeSide } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  BeginSignalExecutionCommandSchema as Begin,
  CompleteSignalCommandSchema as Complete,
  RearmSignalExitsCommandSchema as Rearm,
  WatchSignalExitsCommandSchema as Watch,
} from '../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { SignalAcceptedSchema } from '../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderStatus,
  type SignalOrigin,
} from '../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { decimal } from '../../src/kernel/decimal.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import type { toRecent } from '../../src/trading/model/recent-candles.ts';
import type { SignalRelated } from '../../src/trading/signal/related.ts';
import { signal as untyped } from '../../src/trading/signal/signal.ts';
import { defineDecider } from '../../src/write/kit.ts';
import { candleOf, daySeconds, firstDay, type Row } from './signal-desk.ts';

// A purchase with levels, before its decider alone.

const signal = defineDecider(untyped);
export const id = '11111111-2222-4333-8444-555555555555';
export const instrumentId = 'BTC-USD';
const interval = CandleInterval.CANDLE_INTERVAL_1D;
type Risk = MessageInitShape<typeof RiskProfileSchema>;
type Series = readonly ReturnType<typeof candleOf>[];

export const candles = (first: number, ...rows: readonly Row[]): Series =>
  rows.map((row, index) => candleOf(row, first + index));

/** A purchase that is accepted; what is related can be changed. */
export function given(risk: Risk, side: TradeSide = TradeSide.BUY, venue = 'paper') {
  const terms = {
    ...{ orderId: id, signalId: id, userId: 'alice', portfolioId: id, strategyId: id },
    ...{ instrumentId, interval, side, quantity: '2', tickSize: '0.01', lotSize: '0.001' },
    ...{ minimumOrderSize: '0.01', venue },
    placedAfter: BigInt(firstDay),
  };
  const made = create(SignalAcceptedSchema, { signalId: id, terms, riskProfile: risk });
  let state = signal.evolve(signal.initial, made);
  const portfolio = {
    lifecycle: 'open',
    positions: [{ instrumentId, quantity: decimal('2'), price: decimal('100') }],
    closings: [] as { instrumentId: string; at: number }[],
  };
  const related = {
    portfolio,
    candles: { recent: [] as ReturnType<typeof toRecent>[] },
    order: undefined as SignalRelated['order'],
  };
  const when = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const context = {
      ...{ id, commandId: id, nowMs: 0, principal: { subject: 'alice', roles: [] } },
      ...{ related, prepared: undefined },
    };
    const decided = signal.decide(create(schema, init), state, context);
    if (isRejection(decided)) return decided.code;
    state = decided.reduce(signal.evolve, state);
    const json = JSON.parse(JSON.stringify(signal.snapshot.toJson(state)));
    expect(signal.snapshot.toJson(signal.snapshot.fromJson(json))).toEqual(json);
    return decided as unknown as readonly Fields[];
  };
  const executedAt = timestampFromMs((firstDay + daySeconds) * 1000);
  const fill = { number: 1, quantity: '2', price: '100', fee: '1', executedAt };
  const complete = (fills: readonly (typeof fill)[] = [fill]) =>
    when(Complete, {
      ...{ signalId: id, orderStatus: OrderStatus.FILLED, fills: [...fills] },
      lastCandle: BigInt(firstDay + daySeconds),
    });
  /** Candles that are shown, in short: what they have led to. */
  const shown = (series: Series) => {
    const watch = { signalId: id, portfolioId: id, instrumentId, interval };
    const decided = when(Watch, { ...watch, candles: [...series] });
    return typeof decided === 'string' ? decided : decided.map(gist);
  };
  /** An exit that is over. */
  const rearmed = (exitSignalId: string, filledQuantity: string) => {
    const of = { signalId: id, portfolioId: id, instrumentId, interval };
    const decided = when(Rearm, { ...of, exitSignalId, filledQuantity });
    return typeof decided === 'string' ? decided : decided.map(gist);
  };
  return { when, complete, shown, rearmed, related, portfolio, fill };
}

export type Fields = {
  readonly $typeName: string;
  readonly origin: SignalOrigin;
  readonly price: string;
  readonly bestPrice: string;
  readonly quantity: string;
  readonly placedAfter: bigint;
  readonly lastCandle: bigint;
  readonly attempts: number;
  readonly exitSignalId: string;
  readonly exits?: {
    readonly stopLoss: string;
    readonly takeProfit: string;
    readonly stopPrice: string;
  };
  readonly averagePrice: string;
};

function gist(event: Fields): string {
  const { $typeName, origin, price, bestPrice, quantity, placedAfter } = event;
  const { lastCandle, attempts, exits } = event;
  const name = $typeName.split('.').at(-1);
  if (name === 'SignalExitRaised') return `raised to ${bestPrice}`;
  if (name === 'SignalExitsRearmed') {
    const day = (Number(lastCandle) - firstDay) / daySeconds;
    return `${quantity} watched behind day ${day}, stop ${exits?.stopPrice} (${attempts})`;
  }
  if (name !== 'SignalExitReached') return String(name);
  const day = (Number(placedAfter) - firstDay) / daySeconds;
  return `${quantity} at ${price} (${origin}), behind day ${day}`;
}

export function bought(risk: Risk, venue = 'paper') {
  const one = given(risk, TradeSide.BUY, venue);
  one.when(Begin, { signalId: id });
  one.complete();
  return one;
}
