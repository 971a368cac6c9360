import type { FundsReserved } from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { add, type Decimal, decimal, isZero, zero } from '../../kernel/decimal.ts';

/** What is put aside for a signal: cash for a purchase, units for a sale. */
export type Reservation = {
  readonly signalId: string;
  readonly instrumentId: string;
  readonly cash: Decimal;
  readonly units: Decimal;
};

/** In the order in which they were made. Few at a time: each lasts until its order is closed. */
export type Reservations = readonly Reservation[];

export function reservationOf(
  reservations: Reservations,
  signalId: string,
): Reservation | undefined {
  return reservations.find((one) => one.signalId === signalId);
}

export function withReservation(reservations: Reservations, event: FundsReserved): Reservations {
  const { signalId, instrumentId, cash, units } = event;
  const made = { signalId, instrumentId, cash: decimal(cash), units: decimal(units) };
  return [...reservations, made];
}

export function withoutReservation(reservations: Reservations, signalId: string): Reservations {
  return reservations.filter((one) => one.signalId !== signalId);
}

export function reservedCash(reservations: Reservations): Decimal {
  return reservations.reduce((sum, { cash }) => add(sum, cash), zero);
}

export function reservedUnits(reservations: Reservations, instrumentId: string): Decimal {
  return reservations.reduce(
    (sum, one) => (one.instrumentId === instrumentId ? add(sum, one.units) : sum),
    zero,
  );
}

/** Cash that purchases of the instrument may still take. */
export function pendingPurchases(reservations: Reservations, instrumentId: string): Decimal {
  return reservations.reduce(
    (sum, one) => (one.instrumentId === instrumentId ? add(sum, one.cash) : sum),
    zero,
  );
}

/** Instruments that are about to be bought. */
export function instrumentsToBuy(reservations: Reservations): ReadonlySet<string> {
  const purchases = reservations.filter(({ cash }) => !isZero(cash));
  return new Set(purchases.map(({ instrumentId }) => instrumentId));
}
