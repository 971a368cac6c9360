import {
  ActivateTradingStrategyCommandSchema,
  CreateTradingStrategyCommandSchema,
  DeleteTradingStrategyCommandSchema,
  PauseTradingStrategyCommandSchema,
  UpdateTradingStrategyCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  StrategyActivatedSchema,
  StrategyCreatedSchema,
  StrategyDeletedSchema,
  StrategyPausedSchema,
  StrategyUpdatedSchema,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { claims } from './claims.ts';
import { decide, type StrategyCommand } from './decide.ts';
import {
  evolve,
  initial,
  keysOf,
  ownerOf,
  type StrategyEvent,
  type StrategyState,
  snapshot,
} from './state.ts';

export const strategy = {
  category: 'strategy',
  commands: [
    CreateTradingStrategyCommandSchema,
    UpdateTradingStrategyCommandSchema,
    ActivateTradingStrategyCommandSchema,
    PauseTradingStrategyCommandSchema,
    DeleteTradingStrategyCommandSchema,
  ],
  events: [
    StrategyCreatedSchema,
    StrategyUpdatedSchema,
    StrategyActivatedSchema,
    StrategyPausedSchema,
    StrategyDeletedSchema,
  ],
  initial,
  evolve,
  decide,
  ownerOf,
  keysOf,
  claims,
  snapshot,
} satisfies Decider<StrategyCommand, StrategyEvent, StrategyState>;
