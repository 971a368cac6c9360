import { hash } from 'node:crypto';
import { type Message, toBinary } from '@bufbuild/protobuf';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { QueryRoute } from './catalogue.ts';
import { without } from './messages.ts';

type Entry = {
  readonly version: string;
  readonly answer: Message;
  readonly bytes: number;
  readonly until: number;
};

export type AnswerCache = {
  /**
   * The answer that is kept for the key at that version (of the views), or the computed one. Equal
   * questions at the same time share one computation. Refusals are not kept.
   *
   * mostMs: so long it is kept, where that is shorter than the longest time
   */
  readonly get: (
    route: QueryRoute,
    key: string,
    version: string,
    compute: () => Promise<Message | Rejection>,
    mostMs?: number,
  ) => Promise<Message | Rejection>;
};

export type AnswerCacheOptions = {
  readonly entries: number;
  /** Of the encoded answers, all together. */
  readonly bytes: number;
  /** What an operator repairs moves no view: an answer is not kept longer than this. */
  readonly maxAgeMs: number;
  readonly now: () => number;
};

/** Keeps the answers that were asked for last, one for each question. */
export function createAnswerCache(options: AnswerCacheOptions): AnswerCache {
  const { now, maxAgeMs } = options;
  const entries = new Map<string, Entry>();
  const flights = new Map<string, Promise<Message | Rejection>>();
  let bytes = 0;

  const forget = (key: string) => {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };

  const keep = (key: string, entry: Entry) => {
    forget(key);
    if (entry.bytes > options.bytes) return;
    entries.set(key, entry);
    bytes += entry.bytes;
    for (const oldest of entries.keys()) {
      if (entries.size <= options.entries && bytes <= options.bytes) break;
      forget(oldest);
    }
  };

  const kept = (key: string, version: string): Message | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.version !== version) return undefined;
    if (now() >= entry.until) return undefined;
    entries.delete(key);
    entries.set(key, entry);
    return entry.answer;
  };

  return {
    get: async (route, key, version, compute, mostMs = maxAgeMs) => {
      const found = kept(key, version);
      if (found !== undefined) return found;
      const flightKey = `${key} ${version}`;
      const flying = flights.get(flightKey);
      if (flying !== undefined) return flying;
      const until = now() + Math.min(maxAgeMs, mostMs);
      const flight = compute().then((answer) => {
        if (!isRejection(answer)) {
          const { length } = toBinary(route.method.output, answer);
          keep(key, { version, answer, bytes: length + key.length + version.length, until });
        }
        return answer;
      });
      flights.set(flightKey, flight);
      try {
        return await flight;
      } finally {
        flights.delete(flightKey);
      }
    },
  };
}

/**
 * What a question is known by: its method and its canonical bytes, without the age that it asks for
 * and without fields that its schema does not know.
 */
export function questionKey(route: QueryRoute, query: Message): string {
  const { method, consistency } = route;
  const plain = consistency === undefined ? query : without(query, consistency);
  const bytes = toBinary(method.input, plain, { writeUnknownFields: false });
  return `${method.parent.typeName}.${method.name} ${hash('sha256', bytes, 'base64')}`;
}
