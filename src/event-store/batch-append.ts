import { randomUUID } from 'node:crypto';
import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import type { Message } from 'google-protobuf';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { sizeOf, toNewEvent } from './append.ts';
import { timeLeftMs } from './batch-deadline.ts';
import type { CallFailure } from './errors.ts';
import type { NewWireEvent, WireLog } from './log.ts';
import { identifierOf, streamNameOf, toRevision, uuidOf } from './messages.ts';
import { append, type Expected, type WriteOutcome } from './writing.ts';

/** Events of one append, sent in pieces until one that is the last. */
type Pending = {
  readonly id: UUID;
  readonly stream: string;
  readonly expected: Expected;
  readonly events: NewWireEvent[];
  readonly deadline: NodeJS.Timeout | undefined;
  size: number;
};

export type BatchAppendOptions = {
  readonly log: WireLog;
  readonly maxAppendBytes: number;
  readonly mayWrite: (stream: string) => Promise<boolean>;
  readonly answer: (response: BatchAppendResp) => void;
  readonly toFailure: (fault: unknown) => CallFailure;
};

/** The appends of one call: each is answered by itself, in the order in which they are settled. */
export function createBatchAppend(options: BatchAppendOptions) {
  const { log, maxAppendBytes, mayWrite, answer, toFailure } = options;
  const pending = new Map<string, Pending>();
  const running = new Set<Promise<void>>();

  async function take(request: BatchAppendReq): Promise<void> {
    const id = request.getCorrelationId();
    const identifier = request.getOptions()?.getStreamIdentifier();
    try {
      await collect(request, id);
    } catch (error) {
      answer(failed(id, identifier, badRequest((error as Error).message)));
    }
  }

  async function collect(request: BatchAppendReq, id: UUID | undefined): Promise<void> {
    const key = uuidOf(id);
    if (request.hasOptions() && id !== undefined && !pending.has(key)) {
      const begun = await begin(key, id, request);
      if (!begun) return;
    }
    const write = pending.get(key);
    if (write === undefined) return;
    for (const message of request.getProposedMessagesList()) {
      const event = toNewEvent(message);
      write.size += sizeOf(event);
      write.events.push(event);
    }
    if (write.size > maxAppendBytes) {
      forget(key, write);
      answer(failed(write.id, identifierOf(write.stream), tooLarge(maxAppendBytes)));
    } else if (request.getIsFinal()) {
      forget(key, write);
      run(write);
      // Whoever sends faster than the disk takes has to wait.
      if (running.size >= mostRunning) await Promise.race(running);
    }
  }

  /** False where it was answered at once. */
  async function begin(key: string, id: UUID, request: BatchAppendReq): Promise<boolean> {
    const given = request.getOptions();

    const identifier = given?.getStreamIdentifier();
    if (given === undefined || identifier === undefined) {
      answer(failed(id, identifier, badRequest('Required field StreamIdentifier not set.')));
      return false;
    }
    const stream = streamNameOf(identifier);
    if (!(await mayWrite(stream))) {
      const denied = error(status.PERMISSION_DENIED, 'AccessDenied', new sharedPb.AccessDenied());
      answer(failed(id, identifier, denied));
      return false;
    }
    const expected = expectedOf(given);
    const leftMs = timeLeftMs(request, Date.now()) ?? longestMs;
    if (leftMs <= 0) {
      answer(failed(id, identifier, timeout()));
      return false;
    }
    const expire = () => {
      if (pending.delete(key)) answer(failed(id, identifier, timeout()));
    };
    const timer = setTimeout(expire, Math.min(leftMs, longestMs));
    pending.set(key, { id, stream, expected, events: [], deadline: timer, size: 0 });
    return true;
  }

  function forget(key: string, write: Pending): void {
    clearTimeout(write.deadline);
    pending.delete(key);
  }

  function run({ id, stream, expected, events }: Pending): void {
    const job = log
      .write(events.length, (view) => append(view, stream, expected, events, randomUUID))
      .then(
        (outcome) => answer(toResponse(id, stream, expected, outcome)),
        (fault: unknown) => {
          const { code, message } = toFailure(fault);
          const isTimeout = code === status.ABORTED;
          const details = isTimeout ? timeout() : error(code, message, new emptyPb.Empty());
          answer(failed(id, identifierOf(stream), details));
        },
      )
      .finally(() => running.delete(job));
    running.add(job);
  }

  /** Resolves when everything that was taken is answered. */
  async function settle(): Promise<void> {
    await Promise.all(running);
  }

  function close(): void {
    for (const [key, write] of pending) forget(key, write);
  }

  return { take, settle, close };
}

/** An append whose last piece never comes is given up after this long, or at its own deadline. */
const longestMs = 10_000;
/** How many appends of one call are written at a time. */
const mostRunning = 512;

function expectedOf(options: BatchAppendReq.Options): Expected {
  if (options.hasStreamPosition()) return toRevision(options.getStreamPosition());
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  throw new Error("'None' is not a valid ExpectedStreamPositionOneofCase");
}

function toResponse(
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

function failed(
  id: UUID | undefined,
  identifier: StreamIdentifier | undefined,
  details: ReturnType<typeof error>,
): BatchAppendResp {
  return new streamsPb.BatchAppendResp()
    .setCorrelationId(id)
    .setStreamIdentifier(identifier)
    .setError(details);
}

function timeout() {
  return error(status.DEADLINE_EXCEEDED, 'Timeout', new sharedPb.Timeout());
}

function tooLarge(maxAppendBytes: number) {
  const details = new sharedPb.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendBytes);
  return error(status.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', details);
}

function badRequest(message: string) {
  const details = new sharedPb.BadRequest().setMessage(message);
  return error(status.INVALID_ARGUMENT, 'BadRequest', details);
}

const client = 'event_store.client';

function error(code: status, message: string, details: Message) {
  const name = details instanceof emptyPb.Empty ? 'google.protobuf.Empty' : `${client}.${message}`;
  const any = new anyPb.Any();
  any.pack(details.serializeBinary(), name);
  return new statusPb.Status().setCode(Number(code)).setMessage(message).setDetails(any);
}
