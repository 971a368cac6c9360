import { StoreFault } from '../kernel/fault.ts';
import { isAfter, type Position } from '../kernel/position.ts';
import { isRejection } from '../kernel/rejection.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { OpenInterest, PolicyDefinition } from './kit.ts';
import { outgoingOf, type Reaction } from './policy-command.ts';
import { createProgress, type Tracked } from './policy-progress.ts';
import type { OutgoingCommand, SendCommand } from './ports.ts';
import { backoffMs, isTransient, NoOutcome, within } from './sending.ts';
import { createTimers } from './timers.ts';
import { createGate } from './turns.ts';

export type PolicySenderOptions = {
  readonly definition: PolicyDefinition;
  readonly execute: SendCommand;
  readonly now: () => number;
  readonly log: Log;
  /** Counts what becomes of commands: 'accepted', 'refused', 'fault', 'defect'. */
  readonly observe: (policy: string, outcome: string) => void;
  /** A send that has no outcome after so long is a fault. */
  readonly sendTimeoutMs: number;
  readonly mostSends: number;
  /** Nothing more is taken while so many commands wait, or so many events have some that do. */
  readonly mostWaiting: number;
  readonly mostEvents: number;
  /** The next time to `wake` is earlier than it was. */
  readonly onWakeAt?: ((atMs: number) => void) | undefined;
};

export type PolicySender = {
  /** The event leads to a command for each of the interests. */
  readonly take: (reaction: Reaction, interests: readonly OpenInterest[]) => void;
  /** All events up to here have been taken. */
  readonly reach: (position: Position) => void;
  /**
   * What events before a position have led to for the target is not sent any more, but for what is
   * under way.
   */
  readonly drop: (target: string, before: Position) => void;
  /** Until there is room for another event, or it is stopped. */
  readonly room: () => Promise<void>;
  /** What every event up to here has led to is done; undefined until something was reached. */
  readonly done: () => Position | undefined;
  readonly waiting: () => number;
  /** When the oldest event was stored that has commands which wait. */
  readonly oldestAt: () => number | undefined;
  readonly wake: () => void;
  readonly nextWakeAt: () => number | undefined;
  readonly settled: () => Promise<void>;
  readonly stop: () => void;
};

type Item = {
  readonly interest: OpenInterest;
  readonly reaction: Reaction;
  readonly tracked: Tracked;
};
type Queue = { readonly target: string; items: Item[]; isSending: boolean; attempts: number };

/** What fails so often for another reason than a store that is away will not be otherwise. */
const mostAttempts = 10;

export function createPolicySender(options: PolicySenderOptions): PolicySender {
  const { definition, now, log, observe } = options;
  const policy = definition.name;
  const queues = new Map<string, Queue>();
  const timers = createTimers(options.onWakeAt);
  const gate = createGate(options.mostSends);
  const end = new AbortController();
  const underWay = new Set<Promise<void>>();
  const progress = createProgress();
  let waiting = 0;
  const roomWanted: (() => void)[] = [];

  const isFull = () =>
    !end.signal.aborted &&
    (waiting > options.mostWaiting || progress.length() > options.mostEvents);

  const finish = (tracked: Tracked) => {
    tracked.left -= 1;
    waiting -= 1;
    if (tracked.left === 0) progress.advance();
    if (isFull()) return;
    for (const go of roomWanted.splice(0)) go();
  };

  /** @throws StoreFault, NoOutcome: send it once more; what else is thrown is a defect */
  const send = async (outgoing: OutgoingCommand) => {
    const outcome = await within(options.sendTimeoutMs, end.signal, (signal) =>
      options.execute(outgoing, signal),
    );
    if (!isRejection(outcome)) return observe(policy, 'accepted');
    const { code, message } = outcome;
    if (isTransient(outcome)) throw new NoOutcome(`${code}: ${message}`);
    observe(policy, 'refused');
    const { commandId, type, causedBy } = outgoing;
    log.info({ policy, command: type, commandId, causedBy, code }, `refused: ${message}`);
  };

  /** Whether it is to be sent once more. */
  const isAgain = (queue: Queue, { reaction }: Item, err: unknown): boolean => {
    if (end.signal.aborted) return true;
    const { target } = queue;
    const { type, stream, revision } = reaction.recorded;
    queue.attempts += 1;
    const { attempts } = queue;
    const mayPass = err instanceof StoreFault || err instanceof NoOutcome;
    const facts = { err, policy, target, event: type, stream, revision, attempts };
    if (mayPass || attempts < mostAttempts) {
      observe(policy, 'fault');
      log.warn(facts, 'a command of a policy waits');
      return true;
    }
    observe(policy, 'defect');
    log.error(facts, 'a command of a policy is given up');
    return false;
  };

  const built = ({ interest, reaction }: Item): OutgoingCommand | undefined => {
    const { recorded } = reaction;
    try {
      return outgoingOf(definition, interest, reaction);
    } catch (err) {
      observe(policy, 'defect');
      const { type, stream, revision } = recorded;
      const { target } = interest;
      log.error({ err, policy, target, event: type, stream, revision }, 'no command was built');
      return undefined;
    }
  };

  /** Sends the first of the queue; the next one follows when that has an outcome. */
  const work = async (queue: Queue): Promise<void> => {
    const item = queue.items[0];
    if (item === undefined) return;
    const outgoing = built(item);
    try {
      if (outgoing !== undefined) await send(outgoing);
    } catch (error) {
      if (isAgain(queue, item, error)) return;
    }
    queue.items.shift();
    queue.attempts = 0;
    finish(item.tracked);
  };

  const sendSoon = (queue: Queue) => {
    if (queue.isSending || end.signal.aborted) return;
    if (queue.items.length === 0) {
      queues.delete(queue.target);
      return;
    }
    queue.isSending = true;
    const task = gate(() => (end.signal.aborted ? Promise.resolve() : work(queue))).then(() => {
      queue.isSending = false;
      if (queue.attempts === 0) sendSoon(queue);
      else timers.set(queue.target, now() + backoffMs(queue.attempts));
    });
    underWay.add(task);
    void task.finally(() => underWay.delete(task));
  };

  const add = (item: Item) => {
    const { target } = item.interest;
    const known = queues.get(target);
    if (known !== undefined) {
      known.items.push(item);
      return;
    }
    const queue: Queue = { target, items: [item], isSending: false, attempts: 0 };
    queues.set(target, queue);
    sendSoon(queue);
  };

  return {
    take: (reaction, interests) => {
      if (interests.length === 0) return;
      const { position, storedAt } = reaction.recorded;
      const tracked = { position, storedAt, left: interests.length };
      progress.push(tracked);
      waiting += interests.length;
      for (const interest of interests) add({ interest, reaction, tracked });
    },
    reach: (position) => {
      progress.push({ position, storedAt: 0, left: 0 });
      progress.advance();
    },
    drop: (target, before) => {
      const queue = queues.get(target);
      if (queue === undefined) return;
      const isKept = ({ tracked }: Item, i: number) =>
        (i === 0 && queue.isSending) || !isAfter(before, tracked.position);
      const dropped = queue.items.filter((item, i) => !isKept(item, i));
      queue.items = queue.items.filter(isKept);
      if (!queue.isSending && dropped.length > 0) {
        // What it waited for is gone.
        timers.set(target, undefined);
        queue.attempts = 0;
        sendSoon(queue);
      }
      for (const { tracked } of dropped) finish(tracked);
    },
    room: async () => {
      while (isFull()) await new Promise<void>((resolve) => roomWanted.push(resolve));
    },
    done: progress.done,
    waiting: () => waiting,
    oldestAt: progress.oldestAt,
    wake: () => {
      for (const target of timers.takeDue(now())) {
        const queue = queues.get(target);
        if (queue !== undefined) sendSoon(queue);
      }
    },
    nextWakeAt: timers.next,
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    stop: () => {
      end.abort();
      for (const go of roomWanted.splice(0)) go();
    },
  };
}
