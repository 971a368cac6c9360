import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RecordCandlesCommand } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Candle } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { DecisionContext, Relation } from '../../kernel/decider.ts';
import { isRejection, type Rejection, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';
import { secondsOf } from '../model/interval.ts';
import { checkCandle } from './candle.ts';
import { gapsAround, indexOfRecorded, runsOf } from './runs.ts';
import type { CandlesEvent, CandlesState } from './state.ts';

export type CandlesCommand = RecordCandlesCommand;

/** What has to be known of the instrument: whether there is one. */
export type CandlesRelated = {
  readonly instrument: { readonly lifecycle: 'absent' | 'registered' };
};

export function related(command: CandlesCommand): { readonly instrument: Relation } {
  return { instrument: { category: 'instrument', id: command.instrumentId } };
}

/** All candles of a command are recorded, or none. They may fill a gap of the series. */
export function decide(
  command: CandlesCommand,
  state: CandlesState,
  context: DecisionContext<CandlesRelated>,
): readonly CandlesEvent[] | Rejection {
  if (context.related.instrument.lifecycle === 'absent') return refuseUnknown(command);
  const step = secondsOf(command.interval);
  const starts = command.candles.map((candle) => Number(candle.start));
  const refusal =
    refuseOrder(starts, step) ??
    refuseFuture(starts, context.nowMs) ??
    refuseRecorded(starts, state);
  if (refusal !== undefined) return refusal;
  const candles: Candle[] = [];
  for (const [index, candle] of command.candles.entries()) {
    const checked = checkCandle(index, candle);
    if (isRejection(checked)) return checked;
    candles.push(checked);
  }
  const gaps = gapsAround(state.runs, runsOf(starts, step), step);
  return [
    create(CandlesRecordedSchema, {
      instrumentId: command.instrumentId,
      interval: command.interval,
      candles,
      gaps: gaps.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) })),
      recordedAt: timestampFromMs(context.nowMs),
    }),
  ];
}

function refuseUnknown({ instrumentId }: CandlesCommand): Rejection {
  const message = `instrument_id is '${instrumentId}', which is not registered`;
  return rejectFieldAs('PRECONDITION', 'INSTRUMENT_UNKNOWN', 'instrument_id', message);
}

/** Clocks differ by so much at most, as with the activities of a portfolio. */
const toleranceSeconds = 5 * 60;

/** No candle of a market can be had before it begins; one that is far off would last for ever. */
function refuseFuture(starts: readonly number[], nowMs: number): Rejection | undefined {
  const last = starts.at(-1);
  if (last === undefined || last <= nowMs / 1000 + toleranceSeconds) return undefined;
  const field = `candles[${starts.length - 1}].start`;
  const message = `${field} is ${last} (${isoTime(last)}), which is yet to come: candles are of the past`;
  return rejectField('CANDLE_IN_FUTURE', field, message);
}

function refuseOrder(starts: readonly number[], step: number): Rejection | undefined {
  for (const [index, start] of starts.entries()) {
    const before = starts[index - 1] ?? -1;
    const field = `candles[${index}].start`;
    if (start % step !== 0) {
      const message = `${field} is ${start}; it has to be a multiple of the interval of ${step} s`;
      return rejectField('CANDLE_START_INVALID', field, message);
    }
    if (start === before) {
      const message = `${field} is ${start} (${isoTime(start)}), as the one before it; candles differ in their start`;
      return rejectField('CANDLE_DUPLICATE', field, message);
    }
    if (start < before) {
      const message = `${field} is ${start}, after ${before}; candles go in the order of time`;
      return rejectField('CANDLE_OUT_OF_ORDER', field, message);
    }
  }
  return undefined;
}

function refuseRecorded(starts: readonly number[], { runs }: CandlesState): Rejection | undefined {
  const index = indexOfRecorded(runs, starts);
  if (index === undefined) return undefined;
  const start = starts[index] ?? 0;
  const field = `candles[${index}].start`;
  const message = `${field} is ${start} (${isoTime(start)}), of which there is a candle already`;
  return rejectFieldAs('ALREADY_EXISTS', 'CANDLE_ALREADY_RECORDED', field, message);
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
