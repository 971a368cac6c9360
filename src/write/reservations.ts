import type { Claim, Decider } from '../kernel/decider.ts';
import { causationKey, type NewEvent, type RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Rejection } from '../kernel/rejection.ts';
import { categoryOf, type StreamName, streamName } from '../kernel/stream-name.ts';
import type { EventStore } from './event-store.ts';
import { deriveUuid, newUuid } from './ids.ts';
import { type CommandEnvelope, eventMetadata } from './metadata.ts';
import type { StateLoader } from './stored-state.ts';

const takenType = 'cipherhorizon.platform.v1.ReservationTaken';
const releasedType = 'cipherhorizon.platform.v1.ReservationReleased';
const voidedType = 'cipherhorizon.platform.v1.ReservationVoided';

/** Longer than any command takes from its claim to its append. */
const claimMs = 30_000;
const mostAttempts = 20;

/**
 * Uniqueness across streams. Each key has a stream of its own, of which the last event counts:
 *
 *     free --take--> taken by A --release, by A--> free
 *                    taken by A --take over, by B--> taken by B
 *
 * A key is taken before the event that uses it is appended to the claimant's stream. That stream is
 * what says whether a claim was ever used. When the claim's time is past and the claimant does not
 * hold the key, another may take over; it first appends ReservationVoided to the claimant's stream at
 * the revision at which it looked, so that a claimant that is merely slow meets another revision,
 * decides again, and finds its key gone. Clocks only decide how long others wait, never who wins.
 */
export type Reservations = {
  /** Takes the key for the claimant, or gives the refusal of the claim. */
  readonly take: (
    claim: Claim,
    claimant: StreamName,
    envelope: CommandEnvelope,
  ) => Promise<Rejection | undefined>;
  /** Frees a key that the claimant does not hold (any more). Does nothing where it may be in use. */
  readonly release: (key: string, claimant: StreamName, envelope: CommandEnvelope) => Promise<void>;
};

export function createReservations(options: {
  readonly store: EventStore;
  readonly loader: StateLoader;
  readonly deciderOf: (category: string) => Decider | undefined;
  readonly now: () => number;
}): Reservations {
  const { store, loader, now } = options;

  const claimantOf = async (key: string, stream: StreamName) => {
    const decider = options.deciderOf(categoryOf(stream));
    if (decider === undefined) return { revision: -1, holds: true };
    const { state, revision } = await loader.load(decider, stream);
    return { revision, holds: decider.keysOf?.(state).includes(key) ?? false };
  };

  /** Whether the key that another one has taken may be taken over, after making sure of it. */
  const wrestFrom = async (key: string, last: RecordedEvent): Promise<'yes' | 'no' | 'again'> => {
    const claimant = String(last.data.claimant);
    const { revision, holds } = await claimantOf(key, claimant);
    if (holds || Date.parse(String(last.data.expiresAt)) > now()) return 'no';
    const expected = revision < 0 ? 'no_stream' : revision;
    const voided = await store.append(claimant, expected, [
      platformEvent(voidedType, { key }, now()),
    ]);
    return voided.appended ? 'yes' : 'again';
  };

  return {
    take: async (claim, claimant, envelope) => {
      const { key } = claim;
      const stream = reservationStream(key);
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        const last = await lastOf(store, stream);
        const revision = last?.revision ?? -1;
        if (last?.type === takenType && last.data.claimant !== claimant) {
          const may = await wrestFrom(key, last);
          if (may === 'no') return claim.refusal;
          if (may === 'again') continue;
        }
        const expiresAt = new Date(now() + claimMs).toISOString();
        const data = { key, claimant, expiresAt };
        const event = reservationEvent(takenType, data, envelope, revision);
        if ((await store.append(stream, expectedAt(revision), [event])).appended) return undefined;
      }
      return claim.refusal;
    },

    release: async (key, claimant, envelope) => {
      const stream = reservationStream(key);
      const last = await lastOf(store, stream);
      if (last?.type !== takenType || last.data.claimant !== claimant) return;
      // A claim of another command of the same claimant that is still on its way stays.
      const by = String(last.metadata[causationKey]);
      if (by !== envelope.commandId && (await store.findByCausation(claimant, by)).length === 0) {
        return;
      }
      if ((await claimantOf(key, claimant)).holds) return;
      const event = reservationEvent(releasedType, { key, claimant }, envelope, last.revision);
      await store.append(stream, last.revision, [event]);
    },
  };
}

/** A key may hold anything, and may be personal: the stream's name has its digest. */
function reservationStream(key: string): StreamName {
  return streamName('reservation', deriveUuid('reservation', key));
}

async function lastOf(store: EventStore, stream: StreamName): Promise<RecordedEvent | undefined> {
  for await (const event of store.read(stream, { direction: 'backwards', limit: 1 })) return event;
  return undefined;
}

function expectedAt(revision: number): number | 'no_stream' {
  return revision < 0 ? 'no_stream' : revision;
}

function reservationEvent(
  type: string,
  data: JsonObject,
  envelope: CommandEnvelope,
  revision: number,
): NewEvent {
  const id = deriveUuid(type, `${envelope.commandId}/${String(data.key)}/${revision}`);
  return { id, type, data, metadata: eventMetadata(envelope) };
}

function platformEvent(type: string, data: JsonObject, nowMs: number): NewEvent {
  return { id: newUuid(nowMs), type, data, metadata: {} };
}
