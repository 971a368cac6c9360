import {
  type TradeRecorded,
  TradeRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  CostBasisMethodSchema,
  TradeSide,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, isNegative, isPositive, mul } from '../../../kernel/decimal.ts';
import { defineView } from '../../../projection/kit.ts';
import { amountText, sumText } from '../amounts.ts';
import { type CostBasisPosition, emptyPosition } from '../cost-basis.ts';
import { nameOf } from '../enums.ts';
import { applyTrade } from '../lots/apply-trade.ts';
import type { CostBasisMethod } from '../lots/lot.ts';
import { appended, lastBefore, noPages, type Pages } from '../lots/pages.ts';
import { outcomeOf } from '../statistics/outcome.ts';
import { dayOfTime, timeOf } from '../times.ts';
import { feeInQuote } from './portfolio-events.ts';

/** The trades of one strategy in one position, summed up. */
export type StrategySums = {
  readonly trades: number;
  /** Sums of price times quantity. */
  readonly bought: string;
  readonly sold: string;
  readonly fees: string;
  /** Of the sales: those with a gain, with a loss, with neither. */
  readonly realised: string;
  readonly wins: number;
  readonly losses: number;
  readonly draws: number;
};

export type Closings = readonly [day: number, closed: number, wins: number];

export type PositionDocument = CostBasisPosition & {
  readonly portfolioId: string;
  readonly userId: string;
  readonly instrumentId: string;
  readonly quoteCurrency: string;
  /** What each sale realised, as "<revision of the trade> <gain>". */
  readonly sales: Pages;
  /** What ended on a day, of the half year up to the last such day: whole sales, and those with a gain. */
  readonly closings: readonly Closings[];
  readonly strategyIds: readonly string[];
  readonly strategies: { readonly [strategyId: string]: StrategySums };
};

/**
 * What a portfolio holds or held of an instrument, its open lots, and what its sales realised, by
 * the cost basis method of the portfolio. The id is "<portfolio>/<instrument>".
 *
 * Lots and sales are texts of some 35 characters, for both may be thousands: the document of a
 * position with 14,400 open lots is read, changed and written in a millisecond or two.
 */
export const positions = defineView<PositionDocument>({
  name: 'trading_positions',
  version: 2,
  schema: {
    portfolioId: { kind: 'keyword', filter: true },
    userId: { kind: 'keyword', filter: true },
    instrumentId: { kind: 'keyword' },
    quoteCurrency: { kind: 'keyword' },
    method: { kind: 'keyword' },
    quantity: { kind: 'decimal' },
    cost: { kind: 'decimal' },
    realised: { kind: 'decimal' },
    lots: { kind: 'json' },
    sales: { kind: 'json' },
    closings: { kind: 'json' },
    strategyIds: { kind: 'keyword', many: true, filter: true },
    strategies: { kind: 'json' },
  },
  events: [TradeRecordedSchema],
  ids: ({ message }) => {
    const { portfolioId, instrumentId } = message as TradeRecorded;
    return [positionId(portfolioId, instrumentId)];
  },
  project: (document, { message, recorded: { revision } }) => {
    const event = message as TradeRecorded;
    const before = document ?? emptyDocument(event);
    const { position, realised, sale } = traded(before, event, revision);
    const isSale = event.side === TradeSide.SELL;
    const sales = isSale ? appended(before.sales, `${revision} ${realised}`) : before.sales;
    const closings =
      sale === undefined ? before.closings : withClosing(before.closings, event, realised);
    const { strategyId } = event;
    if (strategyId === '') return { ...before, ...position, sales, closings };
    const sums = withTrade(before.strategies[strategyId], event, realised);
    const strategies = { ...before.strategies, [strategyId]: sums };
    const known = before.strategyIds.includes(strategyId);
    const strategyIds = known ? before.strategyIds : [...before.strategyIds, strategyId];
    return { ...before, ...position, sales, closings, strategyIds, strategies };
  },
});

export function positionId(portfolioId: string, instrumentId: string): string {
  return `${portfolioId}/${instrumentId}`;
}

function emptyDocument(event: TradeRecorded): PositionDocument {
  const { portfolioId, userId, instrumentId, quoteCurrency } = event;
  const method = nameOf(CostBasisMethodSchema, event.costBasisMethod) as CostBasisMethod;
  return {
    ...{ portfolioId, userId, instrumentId, quoteCurrency },
    ...emptyPosition(method),
    sales: noPages,
    closings: [],
    strategyIds: [],
    strategies: {},
  };
}

function traded(
  { method, lots, quantity, cost, realised }: PositionDocument,
  event: TradeRecorded,
  revision: number,
) {
  const { quantityChange, cashChange, executedAt } = event;
  const trade = { id: String(revision), time: timeOf(executedAt), quantityChange, cashChange };
  return applyTrade({ method, lots, quantity, cost, realised }, trade);
}

/** So many days of closings are kept: those of the longest window of a leaderboard. */
const daysOfClosings = 180;

/** Trades are recorded in the order of their time. */
function withClosing(
  before: readonly Closings[],
  { executedAt }: TradeRecorded,
  gain: string,
): readonly Closings[] {
  const today = dayOfTime(timeOf(executedAt));
  const recent = before.filter(([day]) => day > today - daysOfClosings && day !== today);
  const [, closed = 0, wins = 0] = before.find(([day]) => day === today) ?? [];
  return [...recent, [today, closed + 1, wins + (outcomeOf(gain) === 'WIN' ? 1 : 0)]];
}

const noSums: StrategySums = {
  trades: 0,
  bought: '0',
  sold: '0',
  fees: '0',
  realised: '0',
  wins: 0,
  losses: 0,
  draws: 0,
};

function withTrade(sums: StrategySums = noSums, event: TradeRecorded, gain: string): StrategySums {
  const amount = amountText(mul(decimal(event.price), decimal(event.quantity)));
  const fees = sumText(sums.fees, feeInQuote(event));
  const trades = sums.trades + 1;
  if (event.side === TradeSide.BUY) {
    return { ...sums, trades, fees, bought: sumText(sums.bought, amount) };
  }
  const realised = decimal(gain);
  return {
    ...sums,
    trades,
    fees,
    sold: sumText(sums.sold, amount),
    realised: sumText(sums.realised, gain),
    wins: sums.wins + (isPositive(realised) ? 1 : 0),
    losses: sums.losses + (isNegative(realised) ? 1 : 0),
    draws: sums.draws + (gain === '0' ? 1 : 0),
  };
}

/** What the sale at the revision realised; undefined where the position has no such sale. */
export function realisedBy({ sales }: PositionDocument, revision: number): string | undefined {
  const sale = lastBefore(sales, (text) => Number.parseInt(text, 10) > revision);
  const [at, gain] = sale?.split(' ') ?? [];
  return Number(at) === revision ? gain : undefined;
}
