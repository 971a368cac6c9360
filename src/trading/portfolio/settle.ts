import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { TradeRecorded } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  ReleaseReservationCommand,
  SettleSignalCommand,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type ReservationReleased,
  ReservationReleasedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { OrderFill, OrderTerms } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { add, decimal, mul, neg, sub, toText } from '../../kernel/decimal.ts';
import { deriveUuid } from '../../kernel/derived-id.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { quantityOf } from './positions.ts';
import {
  type Reservation,
  reservationOf,
  reservedCash,
  withoutReservation,
} from './reservations.ts';
import type { OpenPortfolio } from './state.ts';

/** What has to be known of the order of a signal before its reservation is released. */
export type SettledOrder =
  | { readonly lifecycle: 'absent' }
  | {
      readonly lifecycle: 'open' | 'closed';
      readonly terms: OrderTerms;
      readonly fills: readonly OrderFill[];
    };

type Settled = readonly (TradeRecorded | ReservationReleased)[];
type Context = Pick<DecisionContext, 'id' | 'nowMs'>;

/** Once: with the reservation goes the right to settle. */
export function settleSignal(
  { terms, fills }: SettleSignalCommand,
  portfolio: OpenPortfolio,
  context: Context,
): Settled | Rejection {
  if (terms === undefined) throw new Error('validated to be there');
  const reservation = reservationOf(portfolio.reservations, terms.signalId);
  if (reservation === undefined) {
    const message = `nothing is reserved for the signal '${terms.signalId}'`;
    return reject('PRECONDITION', 'RESERVATION_NOT_FOUND', message);
  }
  return settled(reservation, { terms, fills }, portfolio, context);
}

/** Fills that the order has had are facts: they are recorded first. */
export function releaseReservation(
  { signalId }: ReleaseReservationCommand,
  portfolio: OpenPortfolio,
  context: Context,
  order: SettledOrder = { lifecycle: 'absent' },
): Settled | Rejection {
  const reservation = reservationOf(portfolio.reservations, signalId);
  if (reservation === undefined) return [];
  if (order.lifecycle === 'absent') return settled(reservation, undefined, portfolio, context);
  if (order.lifecycle === 'open') {
    const message = `the order of the signal '${signalId}' is still open: its venue closes it first`;
    return reject('UNAVAILABLE', 'ORDER_STILL_OPEN', message);
  }
  return settled(reservation, order, portfolio, context);
}

function settled(
  reservation: Reservation,
  order: { readonly terms: OrderTerms; readonly fills: readonly OrderFill[] } | undefined,
  portfolio: OpenPortfolio,
  context: Context,
): Settled {
  const trades = order === undefined ? [] : tradesOf(order.terms, order.fills, portfolio, context);
  const { signalId, instrumentId, cash, units } = reservation;
  const others = withoutReservation(portfolio.reservations, signalId);
  const lastFillAt = order?.fills.at(-1)?.executedAt;
  return [
    ...trades,
    create(ReservationReleasedSchema, {
      portfolioId: context.id,
      userId: portfolio.userId,
      signalId,
      instrumentId,
      cash: toText(cash),
      units: toText(units),
      tradeIds: trades.map(({ tradeId }) => tradeId),
      reservedCash: toText(reservedCash(others)),
      releasedAt: timestampFromMs(context.nowMs),
      ...(lastFillAt !== undefined && { lastFillAt }),
    }),
  ];
}

/** One for each fill. The reservation has seen to it that there is enough of what they take. */
function tradesOf(
  terms: OrderTerms,
  fills: readonly OrderFill[],
  portfolio: OpenPortfolio,
  { id, nowMs }: Context,
): readonly TradeRecorded[] {
  let { cash, lastActivity } = portfolio;
  let position = quantityOf(portfolio.positions, terms.instrumentId);
  return fills.map((fill): TradeRecorded => {
    const quantity = decimal(fill.quantity);
    const amount = mul(decimal(fill.price), quantity);
    const isPurchase = terms.side === TradeSide.BUY;
    const cashChange = sub(isPurchase ? neg(amount) : amount, decimal(fill.fee));
    const quantityChange = isPurchase ? quantity : neg(quantity);
    cash = add(cash, cashChange);
    position = add(position, quantityChange);
    lastActivity = timeOf(fill.executedAt, lastActivity, nowMs);
    return {
      $typeName: 'cipherhorizon.trading.v1.TradeRecorded',
      portfolioId: id,
      userId: portfolio.userId,
      tradeId: deriveUuid(terms.orderId, `fill/${fill.number}`),
      instrumentId: terms.instrumentId,
      baseAsset: terms.baseAsset,
      quoteCurrency: terms.quoteCurrency,
      side: terms.side,
      quantity: fill.quantity,
      price: fill.price,
      fee: fill.fee,
      feeCurrency: terms.quoteCurrency,
      cashChange: toText(cashChange),
      quantityChange: toText(quantityChange),
      cash: toText(cash),
      position: toText(position),
      costBasisMethod: portfolio.costBasisMethod,
      assetClass: terms.assetClass,
      strategyId: terms.strategyId,
      executedAt: lastActivity,
    };
  });
}

/**
 * When it was filled; but activities are recorded in the order of their time, and a fill cannot be
 * refused for being told late.
 */
function timeOf(
  executedAt: Timestamp | undefined,
  last: Timestamp | undefined,
  nowMs: number,
): Timestamp {
  const now = timestampFromMs(nowMs);
  const wanted = executedAt === undefined || timestampMs(executedAt) > nowMs ? now : executedAt;
  return last !== undefined && timestampMs(wanted) < timestampMs(last) ? last : wanted;
}
