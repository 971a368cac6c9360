import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { BinaryReader } from 'google-protobuf';

// BatchAppendReq.options, its `google.protobuf.Duration deadline`, and the fields of that. Clients
// send it since version 21.10.1; the definitions that npm's client ships do not have it.
const optionsField = 2;
const deadlineField = 7;
const secondsField = 1;
const nanosField = 2;

const durations = new WeakMap<BatchAppendReq, number>();

/** Reads a request with its deadline. @throws Error where it is malformed. */
export function readBatchAppend(bytes: Uint8Array): BatchAppendReq {
  const request = streamsPb.BatchAppendReq.deserializeBinary(bytes);
  if (!request.hasOptions()) return request;
  const options = bytesField(bytes, optionsField);
  const duration = options && bytesField(options, deadlineField);
  if (duration !== undefined) durations.set(request, durationMs(duration));
  return request;
}

/** How many milliseconds the client waits; undefined where it does not say. */
export function timeLeftMs(request: BatchAppendReq, now: number): number | undefined {
  const until = request.getOptions()?.getDeadline()?.toDate().getTime();
  return durations.get(request) ?? (until === undefined ? undefined : until - now);
}

function bytesField(bytes: Uint8Array, number: number): Uint8Array | undefined {
  const reader = new BinaryReader(bytes);
  let found: Uint8Array | undefined;
  while (reader.nextField()) {
    if (reader.isEndGroup()) break;
    if (reader.getFieldNumber() === number) found = reader.readBytes();
    else reader.skipField();
  }
  return found;
}

function durationMs(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let ms = 0;
  while (reader.nextField()) {
    if (reader.isEndGroup()) break;
    const field = reader.getFieldNumber();
    if (field === secondsField) ms += reader.readInt64() * 1_000;
    else if (field === nanosField) ms += reader.readInt32() / 1_000_000;
    else reader.skipField();
  }
  return ms;
}
