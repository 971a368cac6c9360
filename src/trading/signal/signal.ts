import {
  BeginSignalExecutionCommandSchema,
  CompleteSignalCommandSchema,
  ExecuteExitSignalCommandSchema,
  ExecuteTradeSignalCommandSchema,
  FailSignalCommandSchema,
  RearmSignalExitsCommandSchema,
  WatchSignalExitsCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  SignalAcceptedSchema,
  SignalExecutionStartedSchema,
  SignalExitRaisedSchema,
  SignalExitReachedSchema,
  SignalExitsEndedSchema,
  SignalExitsRearmedSchema,
  SignalFailedSchema,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { decide, related, type SignalCommand } from './decide.ts';
import type { SignalRelated } from './related.ts';
import { snapshot } from './snapshot.ts';
import { evolve, initial, ownerOf, type SignalEvent, type SignalState } from './state.ts';

/** What a strategy wants to trade on a portfolio. */
export const signal = {
  category: 'signal',
  commands: [
    ExecuteTradeSignalCommandSchema,
    ExecuteExitSignalCommandSchema,
    BeginSignalExecutionCommandSchema,
    CompleteSignalCommandSchema,
    FailSignalCommandSchema,
    WatchSignalExitsCommandSchema,
    RearmSignalExitsCommandSchema,
  ],
  events: [
    SignalAcceptedSchema,
    SignalExecutionStartedSchema,
    SignalSettledSchema,
    SignalFailedSchema,
    SignalExitRaisedSchema,
    SignalExitReachedSchema,
    SignalExitsRearmedSchema,
    SignalExitsEndedSchema,
  ],
  initial,
  evolve,
  decide,
  ownerOf,
  related,
  snapshot,
} satisfies Decider<SignalCommand, SignalEvent, SignalState, SignalRelated>;
