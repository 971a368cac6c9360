import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  ExecuteExitSignalCommand,
  WatchSignalExitsCommand,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalAccepted,
  SignalAcceptedSchema,
  type SignalExitRaised,
  SignalExitRaisedSchema,
  type SignalExitReached,
  SignalExitReachedSchema,
  type SignalExitsEnded,
  SignalExitsEndedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderTermsSchema,
  SignalOrigin,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { compare, type Decimal, decimal, isZero, max, min, toText } from '../../kernel/decimal.ts';
import { roundUpToLot, truncateToLot } from '../../kernel/precision.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import type { FillCandle } from '../model/fills.ts';
import { secondsOf } from '../model/interval.ts';
import { candlesBehind, closeOf, toFillCandle } from '../model/recent-candles.ts';
import { protectionOf, riskLimitsOf } from '../model/risk.ts';
import { accountOf, type SignalPortfolio } from './account.ts';
import { reservationLimits } from './execute.ts';
import { exitLevels } from './levels.ts';
import { pricesOf, type SignalRelated } from './related.ts';
import type { SignalState, WatchedExits } from './state.ts';

type Context = DecisionContext<SignalRelated>;
type Settled = Extract<SignalState, { readonly lifecycle: 'settled' }>;
type Watching = Settled & { readonly exits: WatchedExits };
type Decision = readonly (SignalExitReached | SignalExitRaised | SignalExitsEnded)[];

/** A level that a candle has reached, and how. */
type Reached = { readonly origin: SignalOrigin; readonly price: Decimal };

/**
 * What candles do to a purchase with levels to be left at, decided from its own state: candles that
 * are shown twice change nothing.
 */
export function watchExits(
  { candles: shown }: WatchSignalExitsCommand,
  state: Watching,
  { related, nowMs, id }: Context,
): Decision {
  const { terms, exits } = state;
  const of = { signalId: id, userId: terms.userId };
  if (isGone(state, related)) {
    return [create(SignalExitsEndedSchema, { ...of, endedAt: timestampFromMs(nowMs) })];
  }
  const recent = related.candles?.recent ?? [];
  const candles = candlesBehind(exits.lastCandle, shown, recent) ?? recent;
  const seconds = secondsOf(terms.interval);
  let { best, lastCandle } = exits;
  for (const recorded of candles) {
    const candle = toFillCandle(recorded, seconds);
    // That of the purchase itself: what came before it in the candle nobody knows.
    const isPurchase = candle.start === exits.lastCandle + 1;
    const reached = isPurchase ? undefined : reachedBy(candle, state, best);
    if (reached !== undefined) return [reachedEvent(state, reached, candle, nowMs)];
    if (compare(candle.high, best) <= 0) continue;
    best = candle.high;
    lastCandle = candle.start;
  }
  const trails = state.riskProfile.trailingStopDistance !== '';
  if (!trails || lastCandle === exits.lastCandle) return [];
  const levels = exitLevels(state, exits.entry, best);
  return [
    create(SignalExitRaisedSchema, {
      ...{ ...of, bestPrice: toText(best), lastCandle: BigInt(lastCandle), terms },
      ...(levels !== undefined && { exits: levels }),
    }),
  ];
}

/** The position of the purchase was closed since, whatever was bought after that. */
function isGone({ terms, exits }: Watching, { portfolio }: SignalRelated): boolean {
  if (portfolio?.lifecycle !== 'open') return false;
  const isHeld = portfolio.positions.some((one) => one.instrumentId === terms.instrumentId);
  const closing = portfolio.closings.find((one) => one.instrumentId === terms.instrumentId);
  return !isHeld || (closing !== undefined && closing.at > exits.boughtAt);
}

/**
 * What the opening is beyond comes first; of what is reached later in one and the same candle nobody
 * knows the order, so it is the stop.
 */
function reachedBy(
  { open, high, low }: FillCandle,
  { terms, riskProfile, exits }: Watching,
  best: Decimal,
): Reached | undefined {
  const { stop, takeProfit } = protectionOf(riskLimitsOf(riskProfile), exits.entry, best);
  const origin =
    stop?.reason === 'TRAILING_STOP' ? SignalOrigin.TRAILING_STOP : SignalOrigin.STOP_LOSS;
  const stopped = stop && { origin, price: stop.price };
  // A sale at a limit gets no less: the next tick that is no lower.
  const limit = takeProfit && roundUpToLot(takeProfit, decimal(terms.tickSize));
  const taken = limit && { origin: SignalOrigin.TAKE_PROFIT, price: limit };
  if (stopped && compare(open, stopped.price) <= 0) return stopped;
  if (taken && compare(open, taken.price) >= 0) return taken;
  if (stopped && compare(low, stopped.price) <= 0) return stopped;
  if (taken && compare(high, taken.price) >= 0) return taken;
  return undefined;
}

/** The order that follows is one that was there before the candle: the candle itself can fill it. */
function reachedEvent(
  { terms, exits }: Watching,
  { origin, price }: Reached,
  { start, seconds }: FillCandle,
  nowMs: number,
): SignalExitReached {
  const delay = (terms.execution?.delayCandles ?? 0) + 1;
  return create(SignalExitReachedSchema, {
    signalId: terms.signalId,
    userId: terms.userId,
    terms,
    origin,
    price: toText(price),
    quantity: toText(exits.quantity),
    placedAfter: BigInt(max0(start - delay * seconds)),
    reachedAt: timestampFromMs(nowMs),
  });
}

const max0 = (seconds: number) => Math.max(0, seconds);

/** As long as an order may wait. */
const exitGoodFor = 10;

/** Sells what was bought, as far as it is there and free. An exit is asked for by no risk profile. */
export function executeExit(
  command: ExecuteExitSignalCommand,
  { id, nowMs, related }: Context,
): readonly SignalAccepted[] | Rejection {
  const { terms: parent, origin } = command;
  const { portfolio } = related;
  if (parent === undefined) throw new Error('validated to be there');
  if (portfolio?.lifecycle !== 'open') {
    return reject('PRECONDITION', 'PORTFOLIO_UNKNOWN', `there is no '${parent.portfolioId}'`);
  }
  const last = related.candles?.recent.at(-1);
  const price = last === undefined ? decimal(command.price) : closeOf(last);
  const account = accountOf(portfolio, parent.instrumentId, price, pricesOf(related));
  const quantity = sellable(parent.lotSize, command.quantity, account.freeUnits);
  if (isZero(quantity) || compare(quantity, decimal(parent.minimumOrderSize)) < 0) {
    const message = `${toText(account.freeUnits)} of '${parent.instrumentId}' are free: too little`;
    return reject('PRECONDITION', 'INSUFFICIENT_POSITION', message);
  }
  const isLimit = origin === SignalOrigin.TAKE_PROFIT;
  return [
    create(SignalAcceptedSchema, {
      signalId: id,
      terms: create(OrderTermsSchema, {
        ...parent,
        ...{ orderId: id, signalId: id, side: TradeSide.SELL, quantity: toText(quantity) },
        limitPrice: isLimit ? command.price : '',
        stopPrice: isLimit ? '' : command.price,
        ...{ budget: '', placedAfter: command.placedAfter, goodForCandles: exitGoodFor },
      }),
      origin,
      parentSignalId: command.parentSignalId,
      riskProfile: {},
      limits: reservationLimits(riskLimitsOf(undefined), account, price),
      acceptedAt: timestampFromMs(nowMs),
    }),
  ];
}

function sellable(lotSize: string, asked: string, freeUnits: SignalPortfolio['cash']): Decimal {
  const free = max(freeUnits, decimal('0'));
  return truncateToLot(min(decimal(asked), free), decimal(lotSize));
}
