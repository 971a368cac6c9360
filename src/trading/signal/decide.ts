import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  BeginSignalExecutionCommand,
  CompleteSignalCommand,
  ExecuteExitSignalCommand,
  ExecuteTradeSignalCommand,
  FailSignalCommand,
  RearmSignalExitsCommand,
  WatchSignalExitsCommand,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  SignalExecutionStartedSchema,
  SignalFailedSchema,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { OrderFill } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext, Relation } from '../../kernel/decider.ts';
import {
  add,
  type Decimal,
  decimal,
  divide,
  isPositive,
  isZero,
  mul,
  toText,
  zero,
} from '../../kernel/decimal.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { executeTradeSignal } from './execute.ts';
import { watchExits } from './exits.ts';
import { executeExit } from './leave.ts';
import { exitLevels } from './levels.ts';
import { rearmExits } from './rearm.ts';
import { relatedPortfolio, type SignalRelated, seriesOf } from './related.ts';
import type { SignalEvent, SignalState } from './state.ts';

export type SignalCommand =
  | ExecuteTradeSignalCommand
  | ExecuteExitSignalCommand
  | BeginSignalExecutionCommand
  | CompleteSignalCommand
  | FailSignalCommand
  | WatchSignalExitsCommand
  | RearmSignalExitsCommand;

type Decision = readonly SignalEvent[] | Rejection;
type Context = DecisionContext<SignalRelated>;
type ThereState = Exclude<SignalState, { readonly lifecycle: 'absent' }>;

export function related(
  command: SignalCommand,
  known: { readonly [name: string]: unknown } = {},
): { readonly [name: string]: Relation } {
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.ExecuteTradeSignalCommand':
      return {
        strategy: { category: 'strategy', id: command.strategyId },
        instrument: { category: 'instrument', id: command.instrumentId },
        ...relatedPortfolio(command, known),
      };
    case 'cipherhorizon.trading.v1.ExecuteExitSignalCommand':
      return command.terms === undefined ? {} : relatedPortfolio(command.terms, known);
    case 'cipherhorizon.trading.v1.WatchSignalExitsCommand':
      return {
        portfolio: { category: 'portfolio', id: command.portfolioId },
        candles: seriesOf(command.instrumentId, command.interval),
      };
    case 'cipherhorizon.trading.v1.RearmSignalExitsCommand':
      return {
        portfolio: { category: 'portfolio', id: command.portfolioId },
        candles: seriesOf(command.instrumentId, command.interval),
        order: { category: 'order', id: command.exitSignalId },
      };
    case 'cipherhorizon.trading.v1.FailSignalCommand':
      return { order: { category: 'order', id: command.signalId } };
    case 'cipherhorizon.trading.v1.BeginSignalExecutionCommand':
    case 'cipherhorizon.trading.v1.CompleteSignalCommand':
      return {};
  }
}

export function decide(command: SignalCommand, state: SignalState, context: Context): Decision {
  const { id } = context;
  if (command.$typeName === 'cipherhorizon.trading.v1.ExecuteTradeSignalCommand') {
    return state.lifecycle === 'absent' ? executeTradeSignal(command, context) : refuseTwice(id);
  }
  if (command.$typeName === 'cipherhorizon.trading.v1.ExecuteExitSignalCommand') {
    return state.lifecycle === 'absent' ? executeExit(command, context) : [];
  }
  if (state.lifecycle === 'absent') {
    return reject('NOT_FOUND', 'SIGNAL_NOT_FOUND', `there is no signal '${id}'`);
  }
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.BeginSignalExecutionCommand':
      return begin(state, context);
    case 'cipherhorizon.trading.v1.CompleteSignalCommand':
      return complete(command, state, context);
    case 'cipherhorizon.trading.v1.FailSignalCommand':
      return fail(command, state, context);
    case 'cipherhorizon.trading.v1.WatchSignalExitsCommand': {
      if (state.lifecycle !== 'settled' || state.exits === undefined) return [];
      return watchExits(command, { ...state, exits: state.exits }, context);
    }
    case 'cipherhorizon.trading.v1.RearmSignalExitsCommand': {
      if (state.lifecycle !== 'settled' || state.exits === undefined) return [];
      return rearmExits(command, { ...state, exits: state.exits }, context);
    }
  }
}

function refuseTwice(id: string): Rejection {
  return reject('ALREADY_EXISTS', 'SIGNAL_ALREADY_EXISTS', `the signal '${id}' exists already`);
}

function begin({ lifecycle, terms }: ThereState, { id, nowMs }: Context): Decision {
  if (lifecycle === 'executing') return [];
  if (lifecycle !== 'accepted') return refuseOver(id, lifecycle);
  const { userId } = terms;
  const startedAt = timestampFromMs(nowMs);
  return [create(SignalExecutionStartedSchema, { signalId: id, userId, startedAt })];
}

function refuseOver(id: string, lifecycle: string): Rejection {
  return reject('PRECONDITION', 'SIGNAL_OVER', `the signal '${id}' is ${lifecycle} already`);
}

const quotient = { fractionDigits: 18, rounding: 'HALF_UP' } as const;

function complete(
  { fills, orderStatus, lastCandle }: CompleteSignalCommand,
  state: ThereState,
  { id, nowMs }: Context,
): Decision {
  const { lifecycle, terms } = state;
  if (lifecycle === 'settled') return [];
  if (lifecycle !== 'executing') return refuseOver(id, lifecycle);
  const filled = sum(fills, ({ quantity }) => decimal(quantity));
  const amount = sum(fills, ({ price, quantity }) => mul(decimal(price), decimal(quantity)));
  const average = isZero(filled) ? zero : divide(amount, filled, quotient);
  const exits = isPositive(average) ? exitLevels(state, average, average) : undefined;
  const lastFillAt = fills.at(-1)?.executedAt;
  return [
    create(SignalSettledSchema, {
      ...{ signalId: id, userId: terms.userId, terms, orderStatus },
      filledQuantity: toText(filled),
      averagePrice: toText(average),
      fees: toText(sum(fills, ({ fee }) => decimal(fee))),
      ...(lastFillAt !== undefined && { lastFillAt }),
      ...(exits !== undefined && { exits }),
      settledAt: timestampFromMs(nowMs),
      lastCandle,
    }),
  ];
}

function sum(fills: readonly OrderFill[], of: (fill: OrderFill) => Decimal): Decimal {
  return fills.reduce((total, fill) => add(total, of(fill)), zero);
}

/** What the order had been filled with is in the portfolio by then. */
function fail(
  { code, reason }: FailSignalCommand,
  { lifecycle, terms }: ThereState,
  { id, nowMs, related: { order } }: Context,
): Decision {
  if (lifecycle === 'settled' || lifecycle === 'failed') return [];
  const fills = order !== undefined && 'fills' in order ? order.fills : [];
  return [
    create(SignalFailedSchema, {
      ...{ signalId: id, userId: terms.userId, code, reason },
      filledQuantity: toText(sum(fills, ({ quantity }) => decimal(quantity))),
      failedAt: timestampFromMs(nowMs),
    }),
  ];
}
