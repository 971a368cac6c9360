import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { ReserveForSignalCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type FundsReserved,
  FundsReservedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type {
  OrderTerms,
  ReservationLimits,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { add, compare, decimal, mul, sub, toText, zero } from '../../kernel/decimal.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { secondsOf } from '../model/interval.ts';
import { closedAt, quantityOf } from './positions.ts';
import {
  instrumentsToBuy,
  pendingPurchases,
  reservationOf,
  reservedCash,
  reservedUnits,
} from './reservations.ts';
import type { OpenPortfolio } from './state.ts';

/**
 * Puts cash or units aside for a signal. The signal was decided on a state that may be past: what the
 * risk profile limits is looked at once more, with what other signals have reserved since.
 */
export function reserveForSignal(
  { terms, limits, cooldownSeconds }: ReserveForSignalCommand,
  portfolio: OpenPortfolio,
  { id, nowMs }: Pick<DecisionContext, 'id' | 'nowMs'>,
): readonly FundsReserved[] | Rejection {
  if (terms === undefined || limits === undefined) throw new Error('validated to be there');
  if (reservationOf(portfolio.reservations, terms.signalId) !== undefined) return [];
  const isPurchase = terms.side === TradeSide.BUY;
  const refusal = isPurchase
    ? (refuseCooldown(terms, cooldownSeconds, portfolio) ??
      refuseCount(terms, limits, portfolio) ??
      refuseSize(terms, limits, portfolio) ??
      refuseCash(terms, portfolio))
    : refuseUnits(terms, portfolio);
  if (refusal !== undefined) return refusal;
  const cash = isPurchase ? decimal(terms.budget) : zero;
  const units = isPurchase ? zero : decimal(terms.quantity);
  return [
    create(FundsReservedSchema, {
      portfolioId: id,
      userId: portfolio.userId,
      signalId: terms.signalId,
      strategyId: terms.strategyId,
      instrumentId: terms.instrumentId,
      side: terms.side,
      cash: toText(cash),
      units: toText(units),
      reservedCash: toText(add(reservedCash(portfolio.reservations), cash)),
      equity: limits.equity,
      price: limits.price,
      reservedAt: timestampFromMs(nowMs),
    }),
  ];
}

/** By the time of the market, which the recorded candles tell. */
function refuseCooldown(
  { instrumentId, placedAfter, interval }: OrderTerms,
  cooldownSeconds: number,
  { closings }: OpenPortfolio,
): Rejection | undefined {
  const closed = closedAt(closings, instrumentId);
  const nowSeconds = Number(placedAfter) + secondsOf(interval);
  if (closed === undefined || nowSeconds >= closed / 1000 + cooldownSeconds) return undefined;
  const message = `the position in '${instrumentId}' was closed less than ${cooldownSeconds} s ago`;
  return reject('PRECONDITION', 'SIGNAL_COOLDOWN', message);
}

function refuseCount(
  { instrumentId }: OrderTerms,
  { openPositions: most }: ReservationLimits,
  { positions, reservations }: OpenPortfolio,
): Rejection | undefined {
  if (most === 0) return undefined;
  const held = positions.map((position) => position.instrumentId);
  const open = new Set([...instrumentsToBuy(reservations), ...held]);
  if (open.has(instrumentId) || open.size < most) return undefined;
  const message = `there are ${open.size} open positions; the risk profile allows ${most}`;
  return reject('PRECONDITION', 'TOO_MANY_OPEN_POSITIONS', message);
}

function refuseSize(
  { instrumentId, quantity }: OrderTerms,
  { price, positionValue }: ReservationLimits,
  { positions, reservations }: OpenPortfolio,
): Rejection | undefined {
  if (positionValue === '') return undefined;
  const units = add(quantityOf(positions, instrumentId), decimal(quantity));
  const value = add(mul(units, decimal(price)), pendingPurchases(reservations, instrumentId));
  if (compare(value, decimal(positionValue)) <= 0) return undefined;
  const would = `the position in '${instrumentId}' would be worth ${toText(value)}`;
  const message = `${would}; the risk profile allows ${positionValue}`;
  return reject('PRECONDITION', 'POSITION_SIZE_EXCEEDED', message);
}

function refuseCash(
  { budget }: OrderTerms,
  { cash, reservations, baseCurrency }: OpenPortfolio,
): Rejection | undefined {
  const free = sub(cash, reservedCash(reservations));
  if (compare(decimal(budget), free) <= 0) return undefined;
  const message = `the signal needs ${budget} ${baseCurrency}; ${toText(free)} are free`;
  return reject('PRECONDITION', 'INSUFFICIENT_CASH', message);
}

function refuseUnits(
  { instrumentId, quantity }: OrderTerms,
  { positions, reservations }: OpenPortfolio,
): Rejection | undefined {
  const held = quantityOf(positions, instrumentId);
  const free = sub(held, reservedUnits(reservations, instrumentId));
  if (compare(decimal(quantity), free) <= 0) return undefined;
  const message = `the signal sells ${quantity} of '${instrumentId}'; ${toText(free)} are free`;
  return reject('PRECONDITION', 'INSUFFICIENT_POSITION', message);
}
