import { create } from '@bufbuild/protobuf';
import { ProcessStartedSchema } from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import { deriveUuid } from '../kernel/derived-id.ts';
import { correlationKey, type RecordedEvent } from '../kernel/event.ts';
import { StoreFault } from '../kernel/fault.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Position } from '../kernel/position.ts';
import { categoryOf, idOf } from '../kernel/stream-name.ts';
import type { Log } from '../kernel/telemetry.ts';
import {
  type CompletionRoute,
  type Definitions,
  decode,
  type StartRoute,
  verdictOf,
} from './catalogue.ts';
import { at, isProcessEvent, processCategory, revivingTypes } from './events.ts';
import { keyOf, type Live } from './live.ts';
import type { Make, Manager } from './manager.ts';
import { fromCause } from './messages.ts';
import type { Cause } from './state.ts';

export type Router = {
  /**
   * Brings the events to the processes that they concern, and starts those that they start. All of
   * it is in their streams when it resolves; a repeat changes nothing.
   * @throws StoreFault; then some of it may be there, and the caller delivers the events once more
   */
  readonly deliver: (events: readonly RecordedEvent[], since: Position) => Promise<void>;
};

export function createRouter(options: {
  readonly definitions: Definitions;
  readonly manager: Manager;
  readonly log: Log;
}): Router {
  const { definitions, manager, log } = options;
  const { live } = manager;

  /** What a definition throws is a defect of it, and must not keep the other events waiting. */
  const guarded = async (recorded: RecordedEvent, task: () => Promise<void>) => {
    try {
      await task();
    } catch (err) {
      if (err instanceof StoreFault) throw err;
      const { type, stream, revision } = recorded;
      log.error({ err, type, stream, revision }, 'an event could not be brought to a process');
    }
  };

  const follow = async (recorded: RecordedEvent, since: Position) => {
    const id = idOf(recorded.stream);
    const known = live.get(id);
    if (known !== undefined) return manager.follow(known, recorded.revision);
    if ((live.endedAt(id) ?? -1) >= recorded.revision) return;
    if (revivingTypes.includes(recorded.type)) await manager.load(id, since);
  };

  const begin = async (
    { definition, start }: StartRoute,
    recorded: RecordedEvent,
    since: Position,
  ) => {
    const message = decode(start.event, recorded.data);
    const data = start.data(message, recorded);
    if (data === undefined) return;
    const key = start.key?.(message, recorded) ?? recorded.id;
    const id = deriveUuid(`process/${definition.name}`, key);
    if (live.endedAt(id) !== undefined) return;
    await manager.change(
      live.take(id, since),
      startOf(id, definition, data, recorded),
      recorded.id,
    );
  };

  const complete = async (route: CompletionRoute, recorded: RecordedEvent) => {
    for (const one of awaiting(route, recorded)) {
      const { process } = one.kept;
      const { definition, step } = route;
      if (process?.definition !== definition.name || process.version !== definition.version)
        continue;
      const cause = causeOf(recorded);
      const make: Make = (now, nowMs) => {
        const verdict = now && verdictOf(definition, now, step, cause);
        if (verdict === undefined) return [];
        return manager.take({ kind: 'event', step, cause, verdict })(now, nowMs);
      };
      await manager.change(one, make, recorded.id);
    }
  };

  const awaiting = (
    { index, completion }: CompletionRoute,
    recorded: RecordedEvent,
  ): readonly Live[] => {
    const { correlation } = completion;
    if (index === undefined || correlation === undefined) {
      const one = live.get(String(recorded.metadata[correlationKey] ?? ''));
      return one === undefined ? [] : [one];
    }
    const key = correlation.key(decode(completion.event, recorded.data) as never, recorded);
    return key === undefined ? [] : live.withKey(keyOf(index, key));
  };

  return {
    deliver: async (events, since) => {
      let starts: Promise<void>[] = [];
      for (const recorded of events) {
        const { type, stream } = recorded;
        if (isProcessEvent(type)) {
          if (categoryOf(stream) !== processCategory) continue;
          await guarded(recorded, () => follow(recorded, since));
          continue;
        }
        const routes = definitions.completions.get(type) ?? [];
        if (routes.length > 0) {
          // One of those that start may be waiting for this event.
          await Promise.all(starts);
          starts = [];
        }
        for (const route of routes) await guarded(recorded, () => complete(route, recorded));
        for (const route of definitions.starts.get(type) ?? []) {
          const starting = guarded(recorded, () => begin(route, recorded, since));
          // A fault is met where they are waited for; another one may come first.
          starting.catch(() => undefined);
          starts.push(starting);
        }
      }
      await Promise.all(starts);
    },
  };
}

function startOf(
  processId: string,
  definition: StartRoute['definition'],
  data: JsonObject,
  recorded: RecordedEvent,
): Make {
  const { metadata } = recorded;
  return (process, nowMs) => {
    if (process !== undefined) return [];
    const event = create(ProcessStartedSchema, {
      processId,
      definition: definition.name,
      definitionVersion: definition.version,
      steps: definition.steps.map(({ name }) => name),
      data: data as never,
      startedBy: fromCause(causeOf(recorded)),
      actor: String(metadata.actor ?? ''),
      roles: Array.isArray(metadata.roles) ? metadata.roles.map(String) : [],
      correlationId: String(metadata[correlationKey] ?? ''),
      startedAt: at(nowMs),
      dueAt: at(nowMs + definition.timeLimitMs),
    });
    return [event];
  };
}

function causeOf({ id, type, stream, revision, data }: RecordedEvent): Cause {
  return { eventId: id, type, stream, revision, data };
}
