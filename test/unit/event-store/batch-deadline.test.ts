import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { expect, test } from '@jest/globals';
import timestampPb from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { readBatchAppend, timeLeftMs } from '../../../src/event-store/batch-deadline.ts';

const options = () => new streamsPb.BatchAppendReq.Options().setStreamPosition('3');

/** Options with a field of number 7 at their end, as clients send it that know of durations. */
function withDuration(duration: readonly number[]): Uint8Array {
  const message = options().serializeBinary();
  const field = [7 * 8 + 2, duration.length, ...duration];
  return Uint8Array.from([2 * 8 + 2, message.length + field.length, ...message, ...field]);
}

function read(bytes: Uint8Array): BatchAppendReq {
  const request = readBatchAppend(bytes);
  expect(request.getOptions()?.getStreamPosition()).toBe('3');
  return request;
}

test.each([
  ['nothing', [], 0],
  ['seconds', [8, 2], 2_000],
  ['nanoseconds', [16, 0x80, 0x89, 0x7a], 2],
  ['both', [8, 1, 16, 0x80, 0x89, 0x7a], 1_002],
])('a duration of %s is how long the client waits', (_name, duration, ms) => {
  expect(timeLeftMs(read(withDuration(duration)), 0)).toBe(ms);
});

test('older clients send the time at which it ends', () => {
  const deadline = timestampPb.Timestamp.fromDate(new Date(5_000));
  const request = new streamsPb.BatchAppendReq().setOptions(options().setDeadline(deadline));

  expect(timeLeftMs(read(request.serializeBinary()), 2_000)).toBe(3_000);
});

test('a client may not say', () => {
  const request = new streamsPb.BatchAppendReq().setOptions(options());

  expect(timeLeftMs(read(request.serializeBinary()), 0)).toBeUndefined();
  expect(timeLeftMs(readBatchAppend(new Uint8Array()), 0)).toBeUndefined();
});
