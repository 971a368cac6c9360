import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RearmSignalExitsCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalExitsEnded,
  type SignalExitsRearmed,
  SignalExitsRearmedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { OrderStatus } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { type Decimal, decimal, max, min, sub, toText, zero } from '../../kernel/decimal.ts';
import { exitGoodForCandles } from '../model/exit-levels.ts';
import { secondsOf } from '../model/interval.ts';
import { paperVenue } from '../model/paper-venue.ts';
import type { RecentCandles } from '../model/recent-candles.ts';
import { endedEvent, isGone, type Watching } from './exits.ts';
import { exitLevels } from './levels.ts';
import type { SignalRelated } from './related.ts';
import type { Leaving } from './state.ts';

/**
 * The exit that was under way is over. What it has left is watched again from then on, with the same
 * levels: the next candle that is at one, or beyond it, leads to another exit, and no candle to two.
 */
export function rearmExits(
  { exitSignalId, filledQuantity }: RearmSignalExitsCommand,
  state: Watching,
  { related, nowMs }: DecisionContext<SignalRelated>,
): readonly (SignalExitsRearmed | SignalExitsEnded)[] {
  const { terms, exits } = state;
  const { leaving, attempts } = exits;
  // One that was rearmed after before.
  if (leaving?.exitSignalId !== exitSignalId) return [];
  const left = max(sub(exits.quantity, decimal(filledQuantity)), zero);
  if (isGone(state, left, related)) return [endedEvent(state, nowMs)];
  const recent = related.candles?.recent ?? [];
  const lastCandle = lastCandleOf(leaving, state, related);
  const best = bestUntil(lastCandle, state, recent);
  const levels = exitLevels(state, exits.entry, best);
  const { signalId, userId } = terms;
  return [
    create(SignalExitsRearmedSchema, {
      ...{ signalId, userId, terms, exitSignalId, attempts },
      ...(levels !== undefined && { exits: levels }),
      quantity: toText(min(left, heldOf(state, related) ?? left)),
      lastCandle: BigInt(lastCandle),
      rearmedAt: timestampFromMs(nowMs),
    }),
  ];
}

function heldOf({ terms }: Watching, { portfolio }: SignalRelated): Decimal | undefined {
  if (portfolio?.lifecycle !== 'open') return undefined;
  return portfolio.positions.find((one) => one.instrumentId === terms.instrumentId)?.quantity;
}

/**
 * The candle that the exit was over with, and never one before that which has reached the level: each
 * attempt needs a candle of its own. At the paper venue candles decide, whenever that is known: the one
 * that an order is refused by, filled by last, or expires with, so that those behind it, which may be
 * recorded by now, are looked at. At another venue it is the last one that is recorded.
 */
function lastCandleOf(
  { candle }: Leaving,
  { terms: { venue, interval } }: Watching,
  { candles, order }: SignalRelated,
): number {
  const recorded = Math.max(candle, candles?.recent.at(-1)?.start ?? 0);
  if (venue !== paperVenue) return recorded;
  if (order === undefined || !('fills' in order)) return candle;
  const seconds = secondsOf(interval);
  if (order.status === OrderStatus.EXPIRED) {
    return Math.min(recorded, candle + (exitGoodForCandles - 1) * seconds);
  }
  const filledAt = order.fills.at(-1)?.executedAt;
  if (filledAt === undefined) return candle;
  // At the end of the candle, or at its opening: then that one may be looked at again.
  const filledBy = Math.ceil(Number(filledAt.seconds) / seconds - 1) * seconds;
  return Math.max(candle, filledBy);
}

/** Nothing was watched meanwhile. */
function bestUntil(lastCandle: number, { exits }: Watching, recent: RecentCandles): Decimal {
  return recent
    .filter(({ start }) => start > exits.lastCandle && start <= lastCandle)
    .reduce((best, { high }) => max(best, decimal(high)), exits.best);
}
