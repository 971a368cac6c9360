import {
  AdvanceStrategyRunCommandSchema,
  StartStrategyRunCommandSchema,
  StopStrategyRunCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import {
  StrategyRunAdvancedSchema,
  StrategyRunStartedSchema,
  StrategyRunStoppedSchema,
  StrategySignalRaisedSchema,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { claims, decide, keysOf, type RunCommand, related } from './decide.ts';
import type { RunRelated } from './related.ts';
import { evolve, initial, ownerOf, type RunEvent, type RunState, snapshot } from './state.ts';

/** An active strategy that turns candles into signals by itself. */
export const strategyRun = {
  category: 'strategy_run',
  noun: 'run',
  commands: [
    StartStrategyRunCommandSchema,
    StopStrategyRunCommandSchema,
    AdvanceStrategyRunCommandSchema,
  ],
  events: [
    StrategyRunStartedSchema,
    StrategyRunAdvancedSchema,
    StrategySignalRaisedSchema,
    StrategyRunStoppedSchema,
  ],
  initial,
  evolve,
  decide,
  ownerOf,
  keysOf,
  claims,
  related,
  snapshot,
} satisfies Decider<RunCommand, RunEvent, RunState, RunRelated>;
