import type { CandlesRecorded } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { secondsOf } from '../model/interval.ts';
import { type RecentCandle, type RecentCandles, withCandles } from '../model/recent-candles.ts';
import { addRuns, type Runs, runsOf } from './runs.ts';

export type CandlesEvent = CandlesRecorded;

/**
 * The series of one instrument at one interval: which candles are recorded, and the last of them.
 * A series without any is like one with some, but empty.
 *
 * Signals and orders look at the last ones, which are the last prices that the write side knows.
 */
export type CandlesState = { readonly runs: Runs; readonly recent: RecentCandles };

export const initial: CandlesState = { runs: [], recent: [] };

export function evolve(state: CandlesState, event: CandlesEvent): CandlesState {
  const step = secondsOf(event.interval);
  const starts = event.candles.map((candle) => Number(candle.start));
  return {
    runs: addRuns(state.runs, runsOf(starts, step), step),
    recent: withCandles(state.recent, event.candles),
  };
}

type CandleJson = readonly [
  start: number,
  open: string,
  high: string,
  low: string,
  close: string,
  volume: string,
];

export const snapshot = {
  version: 2,
  toJson: ({ runs, recent }: CandlesState): JsonValue => ({
    runs: runs.map(({ first, last }) => [first, last]),
    recent: recent.map((candle) => {
      const { start, open, high, low, close, volume } = candle;
      return [start, open, high, low, close, volume] satisfies CandleJson;
    }),
  }),
  fromJson: (json: JsonValue): CandlesState => {
    const { runs, recent } = json as unknown as {
      readonly runs: readonly (readonly [number, number])[];
      readonly recent: readonly CandleJson[];
    };
    return {
      runs: runs.map(([first, last]) => ({ first, last })),
      recent: recent.map(
        ([start, open, high, low, close, volume]): RecentCandle => ({
          ...{ start, open, high, low, close, volume },
        }),
      ),
    };
  },
};
