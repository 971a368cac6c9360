import { toJson } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Rejection, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';

/** Clocks differ: what a caller's clock has is not refused for being a little ahead. */
const mostAheadMs = 5 * 60_000;

/**
 * When an activity took place: never before the one that was recorded last.
 *
 * Where the caller names no time, it is now. Commands that come at once may be decided in another
 * order than that of their receipt, and clocks may step back: then it is the time of the last one.
 */
export function activityTime(
  field: string,
  wanted: Timestamp | undefined,
  last: Timestamp | undefined,
  nowMs: number,
): Timestamp | Rejection {
  if (wanted === undefined) {
    const now = timestampFromMs(nowMs);
    return last !== undefined && isBefore(now, last) ? last : now;
  }
  const { seconds, nanos } = wanted;
  if (seconds < 0n || nanos < 0 || nanos > 999_999_999) {
    const shown = `${seconds} s and ${nanos} ns`;
    const message = `${field} is ${shown} after 1970; both have to be 0 or more, and ns below 1 s`;
    return rejectField('ACTIVITY_TIME_INVALID', field, message);
  }
  if (Number(seconds) * 1000 + nanos / 1_000_000 > nowMs + mostAheadMs) {
    const now = textOf(timestampFromMs(nowMs));
    const message = `${field} is ${textOf(wanted)}, which is more than 5 minutes after now, ${now}`;
    return rejectField('ACTIVITY_IN_FUTURE', field, message);
  }
  if (last !== undefined && isBefore(wanted, last)) {
    const rule = `it cannot be before the last activity, at ${textOf(last)}`;
    const message = `${field} is ${textOf(wanted)}; ${rule}`;
    return rejectFieldAs('PRECONDITION', 'ACTIVITY_OUT_OF_ORDER', field, message);
  }
  return wanted;
}

function isBefore(a: Timestamp, b: Timestamp): boolean {
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos);
}

function textOf(time: Timestamp): string {
  const latest = 253_402_300_799n;
  return time.seconds > latest ? `${time.seconds} s after 1970` : toJson(TimestampSchema, time);
}
