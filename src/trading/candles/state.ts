import type { CandlesRecorded } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { secondsOf } from './interval.ts';
import { addRuns, type Runs, runsOf } from './runs.ts';

export type CandlesEvent = CandlesRecorded;

/**
 * The series of one instrument at one interval: which candles are recorded. A series without any
 * is like one with some, but empty.
 */
export type CandlesState = { readonly runs: Runs };

export const initial: CandlesState = { runs: [] };

export function evolve(state: CandlesState, event: CandlesEvent): CandlesState {
  const step = secondsOf(event.interval);
  const starts = event.candles.map((candle) => Number(candle.start));
  return { runs: addRuns(state.runs, runsOf(starts, step), step) };
}

export const snapshot = {
  version: 1,
  toJson: (state: CandlesState): JsonValue => state.runs.map(({ first, last }) => [first, last]),
  fromJson: (json: JsonValue): CandlesState => ({
    runs: (json as readonly [number, number][]).map(([first, last]) => ({ first, last })),
  }),
};
