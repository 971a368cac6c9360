import { toJson } from '@bufbuild/protobuf';
import { TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { correlationKey, type NewEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Rejection } from '../kernel/rejection.ts';
import type { Log } from '../kernel/telemetry.ts';
import { payloadOf } from './codec.ts';
import type { EventStore } from './event-store.ts';
import { newUuid } from './ids.ts';
import type { Run } from './middleware.ts';

/** Refusals, in a stream of their own: they are no part of any aggregate. */
export type RefusalLog = {
  /** Never waits and never fails: a refusal is answered also when it cannot be recorded. */
  readonly record: (run: Run, rejection: Rejection) => void;
  /** Stores what is not stored yet. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export const refusalStream = 'refusals-all';
const refusedType = 'cipherhorizon.platform.v1.CommandRefused';
const omittedType = 'cipherhorizon.platform.v1.RefusalsOmitted';

const mostPayloadCharacters = 8_192;
const flushEveryMs = 100;

/**
 * Bounded in rate (a bucket of `perSecond` that holds two seconds' worth), and in size (the newest
 * `keep` refusals, payloads up to 8,192 characters). What is over the rate is counted, and the count
 * recorded.
 */
export function createRefusalLog(options: {
  readonly store: EventStore;
  readonly perSecond: number;
  readonly keep: number;
  readonly now: () => number;
  readonly log: Log;
}): RefusalLog {
  const { store, perSecond, now, log } = options;
  let tokens = perSecond * 2;
  let refilledAt = now();
  let waiting: NewEvent[] = [];
  let omitted = { count: 0, since: 0, until: 0 };
  let timer: NodeJS.Timeout | undefined;
  let flushing = Promise.resolve();
  let bounded = false;

  const mayRecord = () => {
    const at = now();
    tokens = Math.min(perSecond * 2, tokens + ((at - refilledAt) / 1000) * perSecond);
    refilledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };

  const flush = async () => {
    timer = undefined;
    const events = waiting;
    waiting = [];
    if (omitted.count > 0) {
      events.push(omittedEvent(omitted));
      omitted = { count: 0, since: 0, until: 0 };
    }
    if (events.length === 0) return;
    try {
      await store.append(refusalStream, 'any', events);
      if (!bounded) await store.keepNewest(refusalStream, options.keep);
      bounded = true;
    } catch (error) {
      log.error({ err: error, refusals: events.length }, 'refusals could not be recorded');
    }
  };

  const flushLater = () => {
    timer ??= setTimeout(() => {
      flushing = flushing.then(flush);
    }, flushEveryMs);
  };

  return {
    record: (run, rejection) => {
      if (mayRecord()) waiting.push(refusedEvent(run, rejection, now()));
      else omitted = counted(omitted, now());
      flushLater();
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await flushing;
      await flush();
    },
  };
}

function counted(
  omitted: { count: number; since: number; until: number },
  at: number,
): { count: number; since: number; until: number } {
  return { count: omitted.count + 1, since: omitted.since || at, until: at };
}

function omittedEvent({ count, since, until }: { count: number; since: number; until: number }) {
  const data = { count, since: instant(since), until: instant(until) };
  return { id: newUuid(until), type: omittedType, data, metadata: {} };
}

function refusedEvent(run: Run, rejection: Rejection, nowMs: number): NewEvent {
  const { envelope, route, command } = run;
  const command_ = keptPayload(payloadOf(route, command));
  return {
    id: newUuid(nowMs),
    type: refusedType,
    metadata: { [correlationKey]: envelope.correlationId },
    data: {
      commandId: envelope.commandId,
      commandType: route.schema.typeName,
      actor: envelope.principal.subject,
      roles: envelope.principal.roles,
      receivedAt: instant(envelope.receivedAt),
      correlationId: envelope.correlationId,
      stream: streamOf(run),
      code: rejection.code,
      message: rejection.message,
      ...(command_ === undefined ? {} : { command: command_ }),
    },
  };
}

function keptPayload(payload: JsonObject): JsonObject | undefined {
  return JSON.stringify(payload).length > mostPayloadCharacters ? undefined : payload;
}

/** Ids that break their rules name no stream. */
function streamOf({ route, command, envelope }: Run): string {
  const id = route.idOf(command, envelope.commandId);
  return id === '' || id.length > 200 ? '' : route.streamOf(id);
}

function instant(ms: number): string {
  return toJson(TimestampSchema, timestampFromMs(ms)) as string;
}
