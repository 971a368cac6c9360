import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import type { Message } from 'google-protobuf';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { identifierOf } from './messages.ts';
import type { Expected, WriteOutcome } from './writing.ts';

/** The answer to one append of a BatchAppend call. */
export function toResponse(
  id: UUID,
  stream: string,
  expected: Expected,
  outcome: WriteOutcome,
): BatchAppendResp {
  const identifier = identifierOf(stream);
  if (outcome.kind === 'stream deleted') {
    const deleted = new sharedPb.StreamDeleted().setStreamIdentifier(identifier);
    return failed(id, identifier, error(status.NOT_FOUND, 'StreamDeleted', deleted));
  }
  if (outcome.kind === 'wrong expected version') {
    const conflict = toConflict(expected, outcome.actual);
    return failed(id, identifier, error(status.ALREADY_EXISTS, 'WrongExpectedVersion', conflict));
  }
  const { revision, position } = outcome;
  const success = new streamsPb.BatchAppendResp.Success();
  if (revision < 0) success.setNoStream(new emptyPb.Empty());
  else success.setCurrentRevision(String(revision));
  if (position === undefined) success.setNoPosition(new emptyPb.Empty());
  else {
    const at = new sharedPb.AllStreamPosition()
      .setCommitPosition(String(position))
      .setPreparePosition(String(position));
    success.setPosition(at);
  }
  return new streamsPb.BatchAppendResp()
    .setCorrelationId(id)
    .setStreamIdentifier(identifier)
    .setSuccess(success);
}

function toConflict(expected: Expected, actual: number) {
  const conflict = new sharedPb.WrongExpectedVersion();
  if (expected === 'any') conflict.setExpectedAny(new emptyPb.Empty());
  else if (expected === 'no_stream') conflict.setExpectedNoStream(new emptyPb.Empty());
  else if (expected === 'stream_exists') conflict.setExpectedStreamExists(new emptyPb.Empty());
  else conflict.setExpectedStreamPosition(String(expected));
  if (actual < 0) conflict.setCurrentNoStream(new emptyPb.Empty());
  else conflict.setCurrentStreamRevision(String(actual));
  return conflict;
}

export function failed(
  id: UUID | undefined,
  identifier: StreamIdentifier | undefined,
  details: ReturnType<typeof error>,
): BatchAppendResp {
  return new streamsPb.BatchAppendResp()
    .setCorrelationId(id)
    .setStreamIdentifier(identifier)
    .setError(details);
}

export function timeout() {
  return error(status.DEADLINE_EXCEEDED, 'Timeout', new sharedPb.Timeout());
}

export function tooLarge(maxAppendBytes: number) {
  const details = new sharedPb.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendBytes);
  return error(status.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', details);
}

export function badRequest(message: string) {
  const details = new sharedPb.BadRequest().setMessage(message);
  return error(status.INVALID_ARGUMENT, 'BadRequest', details);
}

export function accessDenied() {
  return error(status.PERMISSION_DENIED, 'AccessDenied', new sharedPb.AccessDenied());
}

/** A fault for which EventStoreDB has no details of its own. */
export function fault(code: status, message: string) {
  return error(code, message, new emptyPb.Empty());
}

const client = 'event_store.client';

function error(code: status, message: string, details: Message) {
  const name = details instanceof emptyPb.Empty ? 'google.protobuf.Empty' : `${client}.${message}`;
  const any = new anyPb.Any();
  any.pack(details.serializeBinary(), name);
  return new statusPb.Status().setCode(Number(code)).setMessage(message).setDetails(any);
}
