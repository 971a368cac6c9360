import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type {
  CashDeposited,
  CashWithdrawn,
  PortfolioOpened,
  PortfolioUpdated,
  TradeRecorded,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { CostBasisMethod, TargetWeight } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  FundsReserved,
  ReservationReleased,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { add, type Decimal, decimal, isZero, mul, neg, sub, zero } from '../../kernel/decimal.ts';
import { afterFlow, afterTrade, atLeast, noWorth, type Worth } from './equity.ts';
import {
  type Closings,
  type Positions,
  positionIn,
  withClosing,
  withQuantity,
} from './positions.ts';
import { type Reservations, withoutReservation, withReservation } from './reservations.ts';

export type PortfolioEvent =
  | PortfolioOpened
  | PortfolioUpdated
  | CashDeposited
  | CashWithdrawn
  | TradeRecorded
  | FundsReserved
  | ReservationReleased;

export type OpenPortfolio = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly name: string;
  readonly baseCurrency: string;
  readonly costBasisMethod: CostBasisMethod;
  readonly targetWeights: readonly TargetWeight[];
  readonly cash: Decimal;
  readonly positions: Positions;
  /** Cash and units that are put aside for signals; they are in `cash` and `positions` as well. */
  readonly reservations: Reservations;
  readonly closings: Closings;
  readonly worth: Worth;
  /** When the last deposit, withdrawal or trade took place. */
  readonly lastActivity: Timestamp | undefined;
};

/**
 *     absent --open--> open, for ever
 */
export type PortfolioState = { readonly lifecycle: 'absent' } | OpenPortfolio;

export const initial: PortfolioState = { lifecycle: 'absent' };

export function evolve(state: PortfolioState, event: PortfolioEvent): PortfolioState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.PortfolioOpened':
      return {
        lifecycle: 'open',
        userId: event.userId,
        name: event.portfolioName,
        baseCurrency: event.baseCurrency,
        costBasisMethod: event.costBasisMethod,
        targetWeights: [],
        cash: zero,
        positions: [],
        reservations: [],
        closings: [],
        worth: noWorth,
        lastActivity: undefined,
      };
    case 'cipherhorizon.trading.v1.PortfolioUpdated': {
      const { portfolioName: name, targetWeights } = event;
      return { ...open(state, event), name, targetWeights };
    }
    case 'cipherhorizon.trading.v1.CashDeposited':
      return withCash(open(state, event), event, decimal(event.amount));
    case 'cipherhorizon.trading.v1.CashWithdrawn':
      return withCash(open(state, event), event, neg(decimal(event.amount)));
    case 'cipherhorizon.trading.v1.TradeRecorded':
      return withTrade(open(state, event), event);
    case 'cipherhorizon.trading.v1.FundsReserved':
      return withFundsReserved(open(state, event), event);
    case 'cipherhorizon.trading.v1.ReservationReleased':
      return withRelease(open(state, event), event);
  }
}

function withCash(
  portfolio: OpenPortfolio,
  { cash, occurredAt }: CashDeposited | CashWithdrawn,
  flow: Decimal,
): OpenPortfolio {
  const worth = afterFlow(portfolio.worth, portfolio.cash, flow);
  return { ...portfolio, cash: decimal(cash), worth, lastActivity: occurredAt };
}

function withTrade(portfolio: OpenPortfolio, event: TradeRecorded): OpenPortfolio {
  const { instrumentId, executedAt } = event;
  const cash = decimal(event.cash);
  const quantity = decimal(event.position);
  const price = decimal(event.price);
  const { positions, closings } = portfolio;
  return {
    ...portfolio,
    cash,
    positions: withQuantity(positions, instrumentId, quantity, price),
    closings: isZero(quantity)
      ? withClosing(closings, instrumentId, executedAt === undefined ? 0 : timestampMs(executedAt))
      : closings,
    worth: afterTrade(portfolio.worth, { positions, cash }, instrumentId, { quantity, price }),
    lastActivity: executedAt,
  };
}

/** The price that comes with it is newer than the one that was known. */
function withFundsReserved(portfolio: OpenPortfolio, event: FundsReserved): OpenPortfolio {
  const { positions, worth } = portfolio;
  const { instrumentId } = event;
  const reservations = withReservation(portfolio.reservations, event);
  const held = positionIn(positions, instrumentId);
  const known = atLeast(worth, decimal(event.equity));
  if (held === undefined) return { ...portfolio, reservations, worth: known };
  const price = decimal(event.price);
  const rise = mul(held.quantity, sub(price, held.price));
  return {
    ...portfolio,
    reservations,
    positions: withQuantity(positions, instrumentId, held.quantity, price),
    worth: { ...known, held: add(known.held, rise) },
  };
}

/** A position that its fills have closed was closed when the market filled them. */
function withRelease(portfolio: OpenPortfolio, event: ReservationReleased): OpenPortfolio {
  const { positions, closings } = portfolio;
  const { signalId, instrumentId, lastFillAt } = event;
  const reservations = withoutReservation(portfolio.reservations, signalId);
  if (lastFillAt === undefined || positionIn(positions, instrumentId) !== undefined) {
    return { ...portfolio, reservations };
  }
  const at = timestampMs(lastFillAt);
  return { ...portfolio, reservations, closings: withClosing(closings, instrumentId, at) };
}

function open(state: PortfolioState, event: PortfolioEvent): OpenPortfolio {
  if (state.lifecycle === 'absent') throw new Error(`${event.$typeName} on no portfolio`);
  return state;
}

export function ownerOf(state: PortfolioState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.userId;
}
