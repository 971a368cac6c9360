import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { WatchSignalExitsCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalExitRaised,
  SignalExitRaisedSchema,
  type SignalExitReached,
  SignalExitReachedSchema,
  type SignalExitsEnded,
  SignalExitsEndedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { SignalOrigin } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { compare, type Decimal, decimal, toText, zero } from '../../kernel/decimal.ts';
import { exitIdAt } from '../model/exit-id.ts';
import { exitPlacedAfter, type LevelReached, levelReachedBy } from '../model/exit-levels.ts';
import type { FillCandle } from '../model/fills.ts';
import { secondsOf } from '../model/interval.ts';
import { candlesBehind, toFillCandle } from '../model/recent-candles.ts';
import { protectionOf, riskLimitsOf } from '../model/risk.ts';
import { exitLevels } from './levels.ts';
import type { SignalRelated } from './related.ts';
import type { SignalState, WatchedExits } from './state.ts';
import { tradableUnits } from './units.ts';

type Context = DecisionContext<SignalRelated>;
type Settled = Extract<SignalState, { readonly lifecycle: 'settled' }>;
type Decision = readonly (SignalExitReached | SignalExitRaised | SignalExitsEnded)[];

export type Watching = Settled & { readonly exits: WatchedExits };

/**
 * What candles do to a purchase with levels to be left at, decided from its own state: candles that
 * are shown twice change nothing, and while an exit is under way none does.
 */
export function watchExits(
  { candles: shown }: WatchSignalExitsCommand,
  state: Watching,
  { related, nowMs, id }: Context,
): Decision {
  const { terms, exits } = state;
  if (exits.leaving !== undefined) return [];
  const of = { signalId: id, userId: terms.userId };
  if (isGone(state, exits.quantity, related)) return [endedEvent(state, nowMs)];
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

/**
 * The position of the purchase was closed since, whatever was bought after that; or what is there of
 * the quantity is too little for an order.
 */
export function isGone(
  { terms, exits }: Watching,
  quantity: Decimal,
  { portfolio }: SignalRelated,
): boolean {
  if (portfolio?.lifecycle !== 'open') return false;
  const held = portfolio.positions.find((one) => one.instrumentId === terms.instrumentId);
  if (tradableUnits(terms, quantity, held?.quantity ?? zero) === undefined) return true;
  const closing = portfolio.closings.find((one) => one.instrumentId === terms.instrumentId);
  return closing !== undefined && closing.at > exits.boughtAt;
}

export function endedEvent({ terms }: Watching, nowMs: number): SignalExitsEnded {
  const { signalId, userId } = terms;
  return create(SignalExitsEndedSchema, { signalId, userId, endedAt: timestampFromMs(nowMs) });
}

const origins: { readonly [reason in LevelReached['reason']]: SignalOrigin } = {
  STOP_LOSS: SignalOrigin.STOP_LOSS,
  TRAILING_STOP: SignalOrigin.TRAILING_STOP,
  TAKE_PROFIT: SignalOrigin.TAKE_PROFIT,
};

function reachedBy(
  candle: FillCandle,
  { terms, riskProfile, exits }: Watching,
  best: Decimal,
): LevelReached | undefined {
  const levels = protectionOf(riskLimitsOf(riskProfile), exits.entry, best);
  return levelReachedBy(candle, levels, decimal(terms.tickSize));
}

/** The order that follows is one that was there before the candle: the candle itself can fill it. */
function reachedEvent(
  { terms, exits }: Watching,
  { reason, price }: LevelReached,
  candle: FillCandle,
  nowMs: number,
): SignalExitReached {
  const { signalId, userId, execution } = terms;
  const attempt = exits.attempts + 1;
  return create(SignalExitReachedSchema, {
    ...{ signalId, userId, terms, attempt },
    origin: origins[reason],
    price: toText(price),
    quantity: toText(exits.quantity),
    placedAfter: BigInt(exitPlacedAfter(candle, execution?.delayCandles ?? 0)),
    reachedAt: timestampFromMs(nowMs),
    exitSignalId: exitIdAt(signalId, attempt),
  });
}
