import { setTimeout as delay } from 'node:timers/promises';
import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { NothingChangedSchema } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { Ownership } from '../gen/cipherhorizon/platform/v1/options_pb.ts';
import { actsForAnyOwner } from '../kernel/access.ts';
import type { Claim, DecisionContext } from '../kernel/decider.ts';
import type { NewEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import { isRejection, type Rejection, reject } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { Aggregate, Write } from './aggregate.ts';
import type { Aggregates } from './aggregates.ts';
import type { CommandRoute } from './catalogue.ts';
import { encodeEvent, payloadOf } from './codec.ts';
import type { EventStore } from './event-store.ts';
import { deriveUuid } from './ids.ts';
import { type CommandEnvelope, eventMetadata, firstEventMetadata } from './metadata.ts';
import { type Accepted, acceptedBefore, acceptedNow } from './receipt.ts';
import type { RelatedReader } from './related.ts';
import type { Reservations } from './reservations.ts';
import type { Turns } from './turns.ts';

/** A command that has been authorised and validated. */
export type Order = {
  readonly route: CommandRoute;
  readonly command: Message;
  readonly envelope: CommandEnvelope;
  readonly id: string;
  readonly stream: StreamName;
  readonly prepared: unknown;
  readonly call: Call;
};

export type Execute = (order: Order) => Promise<Accepted | Rejection>;

/**
 * Where a turn on the aggregate leaves the command. 'decided' and 'refused' rest on writes that may
 * be under way; they stand when those do.
 */
type Turn =
  | { readonly kind: 'decided'; readonly write: Write; readonly freed: readonly string[] }
  | {
      readonly kind: 'refused';
      readonly rejection: Rejection;
      readonly aggregate: Aggregate;
      readonly after: Promise<{ readonly stored: boolean }> | undefined;
    }
  | { readonly kind: 'joined'; readonly write: Write }
  | { readonly kind: 'repeated'; readonly accepted: Accepted };

/** With the backoff below this is longer than most callers wait. */
const mostAttempts = 24;
const longestBackoffMs = 100;

/**
 * Take the aggregate, decide, append at the expected revision; on a conflict take it anew and decide
 * again, a bounded number of times. Commands on one aggregate take turns to decide, in the order in
 * which they came, and share appends.
 */
export function createExecute(options: {
  readonly store: EventStore;
  readonly aggregates: Aggregates;
  readonly turns: Turns;
  readonly reservations: Reservations;
  readonly related: RelatedReader;
  readonly schemasOf: (category: string) => ReadonlyMap<string, DescMessage>;
  /** Told of the state after every write that is stored, for snapshots. */
  readonly onStored: (order: Order, state: unknown, revision: number, events: number) => void;
}): Execute {
  const { aggregates, turns, reservations } = options;

  /** Keys taken for this command, given back when it does not use them. */
  const giveBack = async (order: Order, keys: ReadonlySet<string>) => {
    for (const key of keys) await reservations.release(key, order.stream, order.envelope);
  };

  const takeTurn = async (order: Order, taken: Set<string>): Promise<Turn> => {
    const { route, stream, envelope, command } = order;
    const aggregate = await aggregates.take(route.decider, stream);
    const foreign = refuseForeign(order, aggregate.state());
    if (foreign !== undefined) return refused(foreign, aggregate);
    const repeat = await findRepeat(options.store, order, aggregate);
    if (repeat !== undefined) return repeat;
    const misplaced = refuseOtherRevision(order, aggregate);
    if (misplaced !== undefined) return refused(misplaced, aggregate);
    const context = { ...contextOf(order), related: await options.related(route.decider, command) };
    const before = aggregate.state();
    const decided = route.decider.decide(command, before, context);
    if (isRejection(decided)) return refused(decided, aggregate);
    for (const claim of newClaims(order, before)) {
      const taking = await reservations.take(claim, stream, envelope);
      if (taking !== undefined) return refused(taking, aggregate);
      taken.add(claim.key);
    }
    const state = decided.reduce(route.decider.evolve, before);
    const events = newEvents(order, decided, options.schemasOf(route.decider.category));
    const write = aggregate.write(envelope.commandId, events, state);
    void write.written.then(({ stored }) => {
      const revision = write.firstRevision + events.length - 1;
      if (stored) options.onStored(order, state, revision, events.length);
    }, ignore);
    return { kind: 'decided', write, freed: freedKeys(order, before, state) };
  };

  const finish = async (order: Order, turn: Turn): Promise<Accepted | Rejection | 'again'> => {
    if (turn.kind === 'repeated') return turn.accepted;
    if (turn.kind === 'refused') {
      if (turn.after !== undefined && !(await turn.after).stored) return 'again';
      const stands = await aggregates.confirm(order.route.decider, turn.aggregate);
      return stands ? turn.rejection : 'again';
    }
    const { write } = turn;
    const written = await write.written;
    if (!written.stored) return 'again';
    const { firstRevision, position } = written;
    const { commandId, receivedAt } = order.envelope;
    const at = turn.kind === 'joined' ? receivedAtOf(write) : receivedAt;
    const accepted = acceptedNow(
      order.stream,
      commandId,
      write.events,
      firstRevision,
      position,
      at,
    );
    accepted.receipt.repeated = turn.kind === 'joined';
    if (turn.kind === 'decided') {
      for (const key of turn.freed) await reservations.release(key, order.stream, order.envelope);
    }
    return accepted;
  };

  return async (order) => {
    const taken = new Set<string>();
    for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
      const turn = await turns(order.stream, () => takeTurn(order, taken));
      const outcome = await finish(order, turn);
      if (outcome !== 'again') {
        if (isRejection(outcome)) await giveBack(order, taken);
        return outcome;
      }
      if (order.call.signal.aborted) break;
      if (attempt > 1) await backOff(attempt);
    }
    await giveBack(order, taken);
    return order.call.signal.aborted
      ? reject('TIMED_OUT', 'DEADLINE_EXCEEDED', 'the caller stopped waiting; nothing was stored')
      : reject(
          'CONFLICT',
          'TOO_MANY_CONFLICTS',
          `${order.stream} is written to by too many at once`,
        );
  };
}

function refused(rejection: Rejection, aggregate: Aggregate): Turn {
  return { kind: 'refused', rejection, aggregate, after: aggregate.newest() };
}

/** A record of another owner is no record: the words are those of one that is not there. */
function refuseForeign(order: Order, state: unknown): Rejection | undefined {
  const { access, decider } = order.route;
  if (access?.ownership !== Ownership.RECORD) return undefined;
  const owner = decider.ownerOf?.(state);
  const { principal } = order.envelope;
  if (owner === undefined || owner === principal.subject) return undefined;
  if (actsForAnyOwner(access, principal)) return undefined;
  const code = `${decider.category.toUpperCase()}_NOT_FOUND`;
  return reject('NOT_FOUND', code, `there is no ${decider.category} '${order.id}'`);
}

async function findRepeat(
  store: EventStore,
  order: Order,
  aggregate: Aggregate,
): Promise<Turn | undefined> {
  const { commandId } = order.envelope;
  const write = aggregate.underWay(commandId);
  const first = write?.events[0];
  if (write !== undefined && first !== undefined) {
    const misuse = refuseOtherPayload(order, first.metadata);
    return misuse === undefined ? { kind: 'joined', write } : refused(misuse, aggregate);
  }
  if (aggregate.revision() < 0) return undefined;
  const events = await store.findByCausation(order.stream, commandId);
  const stored = events[0];
  if (stored === undefined) {
    // The lookup took a while; the same command may have been decided since.
    return aggregate.underWay(commandId) === undefined
      ? undefined
      : findRepeat(store, order, aggregate);
  }
  const misuse = refuseOtherPayload(order, stored.metadata);
  if (misuse !== undefined) return refused(misuse, aggregate);
  return { kind: 'repeated', accepted: acceptedBefore(commandId, events) };
}

function refuseOtherPayload(order: Order, metadata: JsonObject): Rejection | undefined {
  const same =
    metadata.commandType === order.route.schema.typeName &&
    JSON.stringify(metadata.command) === JSON.stringify(payloadOf(order.route, order.command));
  if (same) return undefined;
  const { commandId } = order.envelope;
  const message = `the command id ${commandId} has been used for another command on this stream`;
  return reject('ALREADY_EXISTS', 'COMMAND_ID_REUSED', message);
}

function refuseOtherRevision(order: Order, aggregate: Aggregate): Rejection | undefined {
  const expected = order.route.metadataOf(order.command)?.expectedRevision;
  if (expected === undefined || expected === BigInt(aggregate.revision())) return undefined;
  const message = `${order.stream} is at revision ${aggregate.revision()}, not at ${expected}`;
  return reject('CONFLICT', 'REVISION_MISMATCH', message);
}

function contextOf(order: Order): Omit<DecisionContext, 'related'> {
  const { commandId, receivedAt, principal } = order.envelope;
  return { id: order.id, commandId, nowMs: receivedAt, principal, prepared: order.prepared };
}

function newClaims(order: Order, state: unknown): readonly Claim[] {
  const { claims, keysOf } = order.route.decider;
  const wanted = claims?.(order.command, state) ?? [];
  if (wanted.length === 0) return wanted;
  const held = keysOf?.(state) ?? [];
  return wanted.filter((claim) => !held.includes(claim.key));
}

function freedKeys(order: Order, before: unknown, after: unknown): readonly string[] {
  const { keysOf } = order.route.decider;
  if (keysOf === undefined) return [];
  const kept = keysOf(after);
  return keysOf(before).filter((key) => !kept.includes(key));
}

const nothingChanged = create(NothingChangedSchema);

/** A command that finds everything already so is in the log too, for its repeat to find. */
function newEvents(
  order: Order,
  decided: readonly Message[],
  schemas: ReadonlyMap<string, DescMessage>,
): readonly NewEvent[] {
  const messages = decided.length === 0 ? [nothingChanged] : decided;
  const { envelope, route } = order;
  const shared = eventMetadata(envelope);
  const payload = payloadOf(route, order.command);
  const type = route.schema.typeName;
  const first = firstEventMetadata(shared, envelope, type, payload, messages.length);
  return messages.map((message, index) => ({
    id: deriveUuid(envelope.commandId, `${order.stream}/${index}`),
    type: message.$typeName,
    data: message === nothingChanged ? {} : encodeEvent(schemas, message),
    metadata: index === 0 ? first : shared,
  }));
}

function receivedAtOf(write: Write): number {
  return Date.parse(String(write.events[0]?.metadata.receivedAt));
}

function backOff(attempt: number): Promise<void> {
  return delay(Math.random() * Math.min(2 ** attempt, longestBackoffMs));
}

function ignore(): void {}
