import type { PortfolioOpened } from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { CostBasisMethodSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type FundsReserved,
  FundsReservedSchema,
  type ReservationReleased,
  ReservationReleasedSchema,
} from '../../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { sumText } from '../amounts.ts';
import { nameOf } from '../enums.ts';
import { timeOf } from '../times.ts';
import {
  type Activity,
  feeInQuote,
  type PortfolioEvent,
  portfolioEvents,
  timeOfActivity,
} from './portfolio-events.ts';

type ReservationEvent = FundsReserved | ReservationReleased;

/** For one signal: cash for a purchase, or units for a sale; "0" of the other. */
export type Reserved = readonly [
  signalId: string,
  instrumentId: string,
  cash: string,
  units: string,
];

export type PortfolioDocument = {
  readonly userId: string;
  readonly name: string;
  readonly baseCurrency: string;
  readonly costBasisMethod: string;
  readonly cash: string;
  readonly deposited: string;
  readonly withdrawn: string;
  /** Those of trades; in the base currency. */
  readonly fees: string;
  readonly targetWeights: readonly (readonly [instrumentId: string, weight: string])[];
  /** What is put aside for signals, in the order in which that was done; part of cash and positions. */
  readonly reserved: readonly Reserved[];
  readonly openedAt: number;
  /** Deposits, withdrawals and trades. */
  readonly activities: number;
  readonly firstActivityAt?: number;
  readonly lastActivityAt?: number;
  readonly revision: number;
};

/**
 * Every portfolio by its id: its terms and sums. What it holds is in `positions`, for a portfolio
 * with thousands of lots would be written anew with each activity.
 */
export const portfolios = defineView<PortfolioDocument>({
  name: 'trading_portfolios',
  version: 2,
  schema: {
    userId: { kind: 'keyword', filter: true },
    name: { kind: 'keyword', fold: true, sort: true },
    baseCurrency: { kind: 'keyword', filter: true, facet: true },
    costBasisMethod: { kind: 'keyword' },
    cash: { kind: 'decimal', sort: true },
    deposited: { kind: 'decimal' },
    withdrawn: { kind: 'decimal' },
    fees: { kind: 'decimal' },
    targetWeights: { kind: 'json' },
    reserved: { kind: 'json' },
    openedAt: { kind: 'instant', sort: true },
    activities: { kind: 'integer' },
    firstActivityAt: { kind: 'instant' },
    lastActivityAt: { kind: 'instant', sort: true },
    revision: { kind: 'integer' },
  },
  events: [...portfolioEvents, FundsReservedSchema, ReservationReleasedSchema],
  ids: ({ message }) => [(message as PortfolioEvent | ReservationEvent).portfolioId],
  project: (document, { message, recorded: { revision } }) => {
    const event = message as PortfolioEvent | ReservationEvent;
    if (event.$typeName === 'cipherhorizon.trading.v1.PortfolioOpened') {
      return opened(event, revision);
    }
    if (document === undefined) throw new Error(`${event.$typeName} on no portfolio`);
    return { ...document, ...changeBy(document, event), revision };
  },
});

function opened(event: PortfolioOpened, revision: number): PortfolioDocument {
  return {
    userId: event.userId,
    name: event.portfolioName,
    baseCurrency: event.baseCurrency,
    costBasisMethod: nameOf(CostBasisMethodSchema, event.costBasisMethod),
    cash: '0',
    deposited: '0',
    withdrawn: '0',
    fees: '0',
    targetWeights: [],
    reserved: [],
    openedAt: timeOf(event.openedAt),
    activities: 0,
    revision,
  };
}

function changeBy(
  document: PortfolioDocument,
  event: Exclude<PortfolioEvent, PortfolioOpened> | ReservationEvent,
): Partial<PortfolioDocument> {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.PortfolioUpdated': {
      const targetWeights = event.targetWeights.map(
        ({ instrumentId, weight }) => [instrumentId, weight] as const,
      );
      return { name: event.portfolioName, targetWeights };
    }
    case 'cipherhorizon.trading.v1.FundsReserved': {
      const { signalId, instrumentId, cash, units } = event;
      return { reserved: [...document.reserved, [signalId, instrumentId, cash, units]] };
    }
    case 'cipherhorizon.trading.v1.ReservationReleased':
      return { reserved: document.reserved.filter(([signalId]) => signalId !== event.signalId) };
    default:
      return changeByActivity(document, event);
  }
}

function changeByActivity(
  document: PortfolioDocument,
  event: Activity,
): Partial<PortfolioDocument> {
  const time = timeOfActivity(event);
  const change = {
    cash: event.cash,
    activities: document.activities + 1,
    firstActivityAt: document.firstActivityAt ?? time,
    lastActivityAt: time,
  };
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.CashDeposited':
      return { ...change, deposited: sumText(document.deposited, event.amount) };
    case 'cipherhorizon.trading.v1.CashWithdrawn':
      return { ...change, withdrawn: sumText(document.withdrawn, event.amount) };
    case 'cipherhorizon.trading.v1.TradeRecorded':
      return { ...change, fees: sumText(document.fees, feeInQuote(event)) };
  }
}
