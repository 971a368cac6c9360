import { RegisterInstrumentCommandSchema } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { InstrumentRegisteredSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { decide, type InstrumentCommand } from './decide.ts';
import { evolve, type InstrumentEvent, type InstrumentState, initial, snapshot } from './state.ts';

/** Instruments belong to nobody. */
export const instrument = {
  category: 'instrument',
  commands: [RegisterInstrumentCommandSchema],
  events: [InstrumentRegisteredSchema],
  initial,
  evolve,
  decide,
  snapshot,
} satisfies Decider<InstrumentCommand, InstrumentEvent, InstrumentState>;
