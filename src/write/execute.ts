import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DescMessage } from '@bufbuild/protobuf';
import type { Claim, DecisionContext } from '../kernel/decider.ts';
import { isRejection, type Rejection, reject } from '../kernel/rejection.ts';
import type { Aggregate, Write } from './aggregate.ts';
import type { Aggregates } from './aggregates.ts';
import type { EventStore } from './event-store.ts';
import { newEvents } from './new-events.ts';
import { type Order, refuseForeign, refuseOtherRevision } from './order.ts';
import { type Accepted, acceptedNow } from './receipt.ts';
import type { RelatedReader } from './related.ts';
import { findRepeat, type Repeat } from './repeat.ts';
import type { Reservations } from './reservations.ts';
import type { Turns } from './turns.ts';

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
  | Exclude<Repeat, { readonly kind: 'misused' }>;

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
  const writer = randomUUID();

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
    if (repeat?.kind === 'misused') return refused(repeat.rejection, aggregate);
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
    const schemas = options.schemasOf(route.decider.category);
    const events = newEvents(order, decided, schemas, writer);
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

function receivedAtOf(write: Write): number {
  return Date.parse(String(write.events[0]?.metadata.receivedAt));
}

function backOff(attempt: number): Promise<void> {
  return delay(Math.random() * Math.min(2 ** attempt, longestBackoffMs));
}

function ignore(): void {}
