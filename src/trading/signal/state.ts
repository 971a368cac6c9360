import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { RiskProfile } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  SignalAccepted,
  SignalExecutionStarted,
  SignalExitRaised,
  SignalExitReached,
  SignalExitsEnded,
  SignalExitsRearmed,
  SignalFailed,
  SignalSettled,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { OrderTerms } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { type Decimal, decimal, max } from '../../kernel/decimal.ts';
import { exitIdOf } from '../model/exit-id.ts';
import { secondsOf } from '../model/interval.ts';

export type SignalEvent =
  | SignalAccepted
  | SignalExecutionStarted
  | SignalSettled
  | SignalFailed
  | SignalExitRaised
  | SignalExitReached
  | SignalExitsRearmed
  | SignalExitsEnded;

/** A purchase that is to be left at a level, until nothing of it is there. */
export type WatchedExits = {
  /** The average price that it was bought at. */
  readonly entry: Decimal;
  /** What its own exits have left of it; somebody else may have sold more. */
  readonly quantity: Decimal;
  /** The highest price since. */
  readonly best: Decimal;
  /** The start of the last candle that has changed it; none up to it is looked at again. */
  readonly lastCandle: number;
  /** When it was bought, in milliseconds since 1970. */
  readonly boughtAt: number;
  /** How many times a level was reached. */
  readonly attempts: number;
  /** The exit that is under way: meanwhile nothing is watched. */
  readonly leaving: Leaving | undefined;
};

export type Leaving = {
  readonly exitSignalId: string;
  /** The start of the candle that has reached the level. */
  readonly candle: number;
};

type Signal = { readonly terms: OrderTerms; readonly riskProfile: RiskProfile };

/**
 *     absent --accepted--> accepted --started--> executing --settled--> settled, for ever
 *     accepted, executing --failed--> failed, for ever
 *
 * Moved by the process that its acceptance starts. While `exits` are there, a settled purchase is
 * shown candles, until the position is no more:
 *
 *     watched --exit raised--> watched --exit reached--> leaving --exits rearmed--> watched
 *     watched, leaving --exits ended--> no exits, for ever
 */
export type SignalState =
  | { readonly lifecycle: 'absent' }
  | ({ readonly lifecycle: 'accepted' | 'executing' | 'failed' } & Signal)
  | ({ readonly lifecycle: 'settled'; readonly exits: WatchedExits | undefined } & Signal);

export const initial: SignalState = { lifecycle: 'absent' };

export function evolve(state: SignalState, event: SignalEvent): SignalState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.SignalAccepted': {
      const { terms, riskProfile } = event;
      if (terms === undefined || riskProfile === undefined) throw new Error('it is not complete');
      return { lifecycle: 'accepted', terms, riskProfile };
    }
    case 'cipherhorizon.trading.v1.SignalExecutionStarted':
      return { ...signalOf(state, event), lifecycle: 'executing' };
    case 'cipherhorizon.trading.v1.SignalSettled':
      return { ...signalOf(state, event), lifecycle: 'settled', exits: exitsOf(event) };
    case 'cipherhorizon.trading.v1.SignalFailed':
      return { ...signalOf(state, event), lifecycle: 'failed' };
    case 'cipherhorizon.trading.v1.SignalExitRaised': {
      const { best, ...exits } = watched(state, event);
      const changes = { best: max(best, decimal(event.bestPrice)) };
      const lastCandle = Number(event.lastCandle);
      const next = { ...exits, ...changes, lastCandle };
      return { ...signalOf(state, event), lifecycle: 'settled', exits: next };
    }
    case 'cipherhorizon.trading.v1.SignalExitReached':
      return { ...signalOf(state, event), lifecycle: 'settled', exits: left(state, event) };
    case 'cipherhorizon.trading.v1.SignalExitsRearmed':
      return { ...signalOf(state, event), lifecycle: 'settled', exits: rearmed(state, event) };
    case 'cipherhorizon.trading.v1.SignalExitsEnded':
      return { ...signalOf(state, event), lifecycle: 'settled', exits: undefined };
  }
}

function signalOf(state: SignalState, event: SignalEvent): Signal {
  if (state.lifecycle === 'absent') throw new Error(`${event.$typeName} on no signal`);
  return { terms: state.terms, riskProfile: state.riskProfile };
}

function watched(state: SignalState, event: SignalEvent): WatchedExits {
  if (state.lifecycle === 'settled' && state.exits !== undefined) return state.exits;
  throw new Error(`${event.$typeName} on a signal without exits`);
}

function left(state: SignalState, event: SignalExitReached): WatchedExits {
  const exits = watched(state, event);
  const { interval, execution } = signalOf(state, event).terms;
  const behind = (execution?.delayCandles ?? 0) + 1;
  const candle = Number(event.placedAfter) + behind * secondsOf(interval);
  const leaving = { exitSignalId: exitIdOf(event), candle };
  return { ...exits, attempts: exits.attempts + 1, leaving };
}

function rearmed(state: SignalState, event: SignalExitsRearmed): WatchedExits {
  const { best, ...exits } = watched(state, event);
  const { bestPrice } = event.exits ?? {};
  return {
    ...exits,
    best: bestPrice ? max(best, decimal(bestPrice)) : best,
    quantity: decimal(event.quantity),
    lastCandle: Number(event.lastCandle),
    leaving: undefined,
  };
}

/** The candle of the last fill counts for the best price, and for nothing else. */
function exitsOf(event: SignalSettled): WatchedExits | undefined {
  if (event.exits === undefined) return undefined;
  const entry = decimal(event.averagePrice);
  return {
    entry,
    quantity: decimal(event.filledQuantity),
    best: entry,
    lastCandle: Number(event.lastCandle) - 1,
    boughtAt: msOf(event.lastFillAt),
    attempts: 0,
    leaving: undefined,
  };
}

function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}

export function ownerOf(state: SignalState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.terms.userId;
}
