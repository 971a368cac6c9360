import { randomUUID } from 'node:crypto';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import { sizeOf, toNewEvent } from './append.ts';
import {
  accessDenied,
  badRequest,
  failed,
  fault,
  timeout,
  tooLarge,
  toResponse,
} from './batch-answers.ts';
import { timeLeftMs } from './batch-deadline.ts';
import type { CallFailure } from './errors.ts';
import type { NewWireEvent, WireLog } from './log.ts';
import { identifierOf, streamNameOf, toRevision, uuidOf } from './messages.ts';
import { append, type Expected } from './writing.ts';

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
    let key: string | undefined;
    try {
      key = uuidOf(id);
      await collect(request, id, key);
    } catch (error) {
      // It has its answer: neither the rest of it nor its time makes another.
      forget(key);
      const identifier = request.getOptions()?.getStreamIdentifier();
      answer(failed(id, identifier, badRequest((error as Error).message)));
    }
  }

  async function collect(request: BatchAppendReq, id: UUID | undefined, key: string) {
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
      forget(key);
      answer(failed(write.id, identifierOf(write.stream), tooLarge(maxAppendBytes)));
    } else if (request.getIsFinal()) {
      forget(key);
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
      answer(failed(id, identifier, accessDenied()));
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

  function forget(key = ''): void {
    clearTimeout(pending.get(key)?.deadline);
    pending.delete(key);
  }

  function run({ id, stream, expected, events }: Pending): void {
    const job = log
      .write(events.length, (view) => append(view, stream, expected, events, randomUUID))
      .then(
        (outcome) => answer(toResponse(id, stream, expected, outcome)),
        (error: unknown) => {
          const { code, message } = toFailure(error);
          const details = code === status.ABORTED ? timeout() : fault(code, message);
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
    for (const key of pending.keys()) forget(key);
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
