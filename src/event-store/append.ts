import { randomUUID } from 'node:crypto';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import {
  handlerFailure,
  maximumAppendSizeExceeded,
  missingMetadata,
  streamDeleted,
} from './errors.ts';
import type { NewWireEvent, WireLog } from './log.ts';
import { Empty, expectedOf, streamNameOf, uuidOf } from './messages.ts';
import { append, type Expected, type WriteOutcome } from './writing.ts';

type Proposed = {
  getId(): Parameters<typeof uuidOf>[0];
  getMetadataMap(): { get(key: string): string | undefined };
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
};

export function toNewEvent(proposed: Proposed): NewWireEvent {
  const properties = proposed.getMetadataMap();
  const type = properties.get('type');
  if (type === undefined) throw missingMetadata('type');
  const contentType = properties.get('content-type');
  if (contentType === undefined) throw missingMetadata('content-type');
  return {
    id: uuidOf(proposed.getId()),
    type,
    isJson: contentType === 'application/json',
    data: proposed.getData_asU8(),
    metadata: proposed.getCustomMetadata_asU8(),
  };
}

/** What EventStoreDB counts against the greatest append: a type is two bytes a character there. */
export function sizeOf({ type, data, metadata }: NewWireEvent): number {
  return type.length * 2 + data.length + metadata.length;
}

/** Collects the messages of one Append, and writes what they ask for when they have ended. */
export function createAppend(log: WireLog, maxAppendBytes: number) {
  let options: AppendReq.Options | undefined;
  let size = 0;
  const events: NewWireEvent[] = [];

  function take(request: AppendReq): void {
    const given = request.getOptions();
    const proposed = request.getProposedMessage();
    if (options === undefined) {
      if (given === undefined) throw handlerFailure('InvalidOperationException: no options');
      options = given;
      streamNameOf(given.getStreamIdentifier());
      expectedOf(given);
      return;
    }
    if (proposed === undefined) throw handlerFailure('InvalidOperationException: no event');
    const event = toNewEvent(proposed);
    size += sizeOf(event);
    if (size > maxAppendBytes) throw maximumAppendSizeExceeded(maxAppendBytes);
    events.push(event);
  }

  async function finish(): Promise<AppendResp> {
    if (options === undefined) throw handlerFailure('InvalidOperationException: no options');
    const stream = streamNameOf(options.getStreamIdentifier());
    const expected = expectedOf(options);
    const outcome = await log.write(events.length, (view) =>
      append(view, stream, expected, events, randomUUID),
    );
    return toResponse(stream, expected, outcome);
  }

  return { take, finish, options: () => options };
}

function toResponse(stream: string, expected: Expected, outcome: WriteOutcome): AppendResp {
  if (outcome.kind === 'stream deleted') throw streamDeleted(stream);
  const response = new streamsPb.AppendResp();
  if (outcome.kind === 'wrong expected version') {
    return response.setWrongExpectedVersion(toConflict(expected, outcome.actual));
  }
  const { revision, position } = outcome;
  const success = new streamsPb.AppendResp.Success();
  if (revision < 0) success.setNoStream(new Empty());
  else success.setCurrentRevision(String(revision));
  if (position === undefined) return response.setSuccess(success.setNoPosition(new Empty()));
  const at = new streamsPb.AppendResp.Position()
    .setCommitPosition(String(position))
    .setPreparePosition(String(position));
  return response.setSuccess(success.setPosition(at));
}

/** Every answer twice: clients of versions up to 20.6 read fields of their own. */
function toConflict(expected: Expected, actual: number): AppendResp.WrongExpectedVersion {
  const conflict = new streamsPb.AppendResp.WrongExpectedVersion();
  if (expected === 'any') conflict.setExpectedAny(new Empty()).setAny2060(new Empty());
  else if (expected === 'stream_exists') {
    conflict.setExpectedStreamExists(new Empty()).setStreamExists2060(new Empty());
  } else if (expected === 'no_stream') {
    conflict.setExpectedNoStream(new Empty());
  } else {
    conflict.setExpectedRevision(String(expected)).setExpectedRevision2060(expected);
  }
  if (actual < 0) conflict.setCurrentNoStream(new Empty()).setNoStream2060(new Empty());
  else conflict.setCurrentRevision(String(actual)).setCurrentRevision2060(actual);
  return conflict;
}
