import { RecordCandlesCommandSchema } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { type CandlesCommand, type CandlesRelated, decide, related } from './decide.ts';
import { type CandlesEvent, type CandlesState, evolve, initial, snapshot } from './state.ts';

/** Market data belongs to nobody. */
export const candles = {
  category: 'candles',
  commands: [RecordCandlesCommandSchema],
  events: [CandlesRecordedSchema],
  initial,
  evolve,
  decide,
  related,
  snapshot,
} satisfies Decider<CandlesCommand, CandlesEvent, CandlesState, CandlesRelated>;
