import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type Rejection, rejectField } from '../../kernel/rejection.ts';
import { millisecondsPerDay } from './days.ts';
import type { Condition } from './reading.ts';

/** The times that a Date can be of. */
const furthestMs = 8_640_000_000_000_000;

/** Milliseconds since 1970, never rounded up into the next day; of absurd times the nearest one. */
export function millisecondsOf({ seconds, nanos }: Timestamp): number {
  const ms = Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
  return Math.min(Math.max(ms, -furthestMs), furthestMs);
}

/** The time of an event, which always has one. */
export function timeOf(time: Timestamp | undefined): number {
  if (time === undefined) throw new Error('an event without its time');
  return millisecondsOf(time);
}

export function dayOfTime(time: number): number {
  return Math.floor(time / millisecondsPerDay);
}

/**
 * A half-open range of time as a condition; none where both ends are open.
 *
 * path: of the field that the range begins with, as the query has it
 */
export function timeRange(
  field: string,
  path: string,
  from: Timestamp | undefined,
  until: Timestamp | undefined,
): readonly Condition[] | Rejection {
  const [first, end] = [from && millisecondsOf(from), until && millisecondsOf(until)];
  if (first !== undefined && end !== undefined && first > end) {
    const message = `${path} is ${textOf(first)}, after the end of the period, ${textOf(end)}`;
    return rejectField('PERIOD_INVALID', path, message);
  }
  if (first === undefined && end === undefined) return [];
  return [
    {
      field,
      ...(first !== undefined && { from: first }),
      ...(end !== undefined && { until: end }),
    },
  ];
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}
