import { deriveUuid } from '../kernel/derived-id.ts';
import { causationKey, correlationKey, type NewEvent } from '../kernel/event.ts';
import { decodeEvent, encodeEvent, type ProcessEvent, streamOf } from './events.ts';
import { evolve } from './evolve.ts';
import type { ProcessStore } from './ports.ts';
import type { ProcessState } from './state.ts';

/** A process as its stream has it, as far as is known. Revision -1: no stream yet. */
export type Kept = { readonly process: ProcessState; readonly revision: number };

export const nothingKept: Kept = { process: undefined, revision: -1 };

export type Journal = {
  /** With what was stored after it; the same object where that is nothing. */
  readonly follow: (id: string, from: Kept) => Promise<Kept>;
  /** The process with the events stored, or undefined where its stream is elsewhere. */
  readonly append: (
    id: string,
    from: Kept,
    events: readonly ProcessEvent[],
    why: { readonly causedBy: string; readonly nowMs: number },
  ) => Promise<Kept | undefined>;
};

/** Reads and writes the streams of processes. `actor` is who the events say has written them. */
export function createJournal(store: ProcessStore, actor: string): Journal {
  return {
    follow: async (id, from) => {
      let { process, revision } = from;
      for await (const recorded of store.read(streamOf(id), { from: revision + 1 })) {
        const event = decodeEvent(recorded);
        if (event !== undefined) process = evolve(process, event);
        revision = recorded.revision;
      }
      return revision === from.revision ? from : { process, revision };
    },
    append: async (id, from, events, { causedBy, nowMs }) => {
      const metadata = {
        [correlationKey]: id,
        ...(causedBy !== '' && { [causationKey]: causedBy }),
        receivedAt: new Date(nowMs).toISOString(),
        actor,
      };
      const stream = streamOf(id);
      const stored = events.map((event, index): NewEvent => {
        const data = encodeEvent(event);
        // Of what it says, so that a repeat is recognised, and another decision is not taken for it.
        const name = `${from.revision + 1 + index}/${event.$typeName}/${JSON.stringify(data)}`;
        return { id: deriveUuid(stream, name), type: event.$typeName, data, metadata };
      });
      const expected = from.revision < 0 ? 'no_stream' : from.revision;
      const result = await store.append(stream, expected, stored);
      if (!result.appended) return undefined;
      return { process: events.reduce(evolve, from.process), revision: result.revision };
    },
  };
}
