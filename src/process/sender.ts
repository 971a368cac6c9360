import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { Log } from '../kernel/telemetry.ts';
import { streamOf } from './events.ts';
import type { Live } from './live.ts';
import type { Manager } from './manager.ts';
import type { SendCommand } from './ports.ts';
import { backoffMs, isTransient, NoOutcome, within } from './sending.ts';
import { dueAtOf, unansweredOf } from './state.ts';
import { createTimers } from './timers.ts';
import { createGate } from './turns.ts';

export type SenderOptions = {
  readonly execute: SendCommand;
  /** This life of the runner, `<name>#<life>`. */
  readonly runner: string;
  readonly now: () => number;
  readonly log: Log;
  /** A send that has no outcome after so long is a fault. */
  readonly sendTimeoutMs: number;
  /** How long another runner is silent before this one goes on with what it has begun. */
  readonly takeOverMs: number;
  readonly mostSends: number;
  /** The next time to `wake` is earlier than it was. */
  readonly onWakeAt?: (atMs: number) => void;
};

/** The effects of processes: sends what has no outcome yet, and sees to it that time passes. */
export type Sender = {
  /** Looks at what the process waits for. */
  readonly consider: (live: Live) => void;
  readonly wake: () => void;
  readonly nextWakeAt: () => number | undefined;
  /** Until nothing that was begun is under way. */
  readonly settled: () => Promise<void>;
  /** Gives up what is under way; nothing is begun any more. */
  readonly stop: () => void;
};

export function createSender(options: SenderOptions, manager: () => Manager): Sender {
  const { runner, now, log } = options;
  const timers = createTimers(options.onWakeAt);
  const gate = createGate(options.mostSends);
  const underWay = new Set<Promise<void>>();
  const end = new AbortController();

  const begin = (task: Promise<void>) => {
    underWay.add(task);
    void task.finally(() => underWay.delete(task));
  };

  /** Nothing that fails here is lost: the stream still says what has to be done. */
  const again = (live: Live, error: unknown, what: 'sendAgainAt' | 'passAgainAt') => {
    live.attempts += 1;
    live.fault = error instanceof Error ? error.message : String(error);
    live[what] = now() + backoffMs(live.attempts);
    log.warn({ err: error, processId: live.id, attempts: live.attempts }, 'a process waits');
  };

  const send = async (live: Live) => {
    const { process, revision } = live.kept;
    const unanswered = process && unansweredOf(process);
    if (unanswered === undefined || end.signal.aborted) return;
    const { step, purpose, command } = unanswered;
    const outgoing = {
      ...command,
      correlationId: live.id,
      causedBy: `${streamOf(live.id)}@${revision}`,
    };
    const outcome = await within(options.sendTimeoutMs, end.signal, (signal) =>
      options.execute(outgoing, signal),
    );
    if (isRejection(outcome) && isTransient(outcome)) {
      throw new NoOutcome(`${outcome.code}: ${outcome.message}`);
    }
    const { change, take } = manager();
    const input = isRejection(outcome)
      ? take({ kind: 'refused', purpose, step, refusal: told(outcome), runner })
      : take({ kind: 'accepted', purpose, step, receipt: outcome });
    await change(live, input, command.commandId);
  };

  const sendSoon = (live: Live) => {
    live.isSending = true;
    const sending = gate(() => send(live))
      .catch((error: unknown) => again(live, error, 'sendAgainAt'))
      .then(() => {
        live.isSending = false;
        consider(live);
      });
    begin(sending);
  };

  const passTime = (live: Live) => {
    const { fault } = live;
    const { change, take } = manager();
    const input = take({ kind: 'time', ...(fault !== undefined && { fault }) });
    begin(
      change(live, input, '')
        .catch((error: unknown) => again(live, error, 'passAgainAt'))
        .then(() => consider(live)),
    );
  };

  const takeOver = (live: Live) => {
    live.isSending = true;
    const { change, take } = manager();
    begin(
      change(live, take({ kind: 'taken over', runner }), '')
        .catch((error: unknown) => again(live, error, 'sendAgainAt'))
        .then(() => {
          live.isSending = false;
          consider(live);
        }),
    );
  };

  const consider = (live: Live): void => {
    const { process } = live.kept;
    if (end.signal.aborted) return;
    if (process === undefined || manager().live.get(live.id) !== live) {
      timers.set(live.id, undefined);
      return;
    }
    const dueAt = dueAtOf(process);
    const isWaiting = unansweredOf(process) !== undefined && !live.isSending;
    const times: number[] = [];
    if (process.runner === runner) {
      if (dueAt !== undefined) times.push(Math.max(dueAt, live.passAgainAt));
      if (isWaiting && live.sendAgainAt > now()) times.push(live.sendAgainAt);
      else if (isWaiting) sendSoon(live);
    } else if (!live.isSending && (isWaiting || dueAt !== undefined)) {
      // Of one name there is one life at a time: the one before is over.
      const isFree = nameOf(process.runner) === nameOf(runner);
      const mayAt = isFree ? 0 : process.changedAt + options.takeOverMs;
      const takeAt = Math.max(mayAt, live.sendAgainAt, isWaiting ? 0 : (dueAt ?? 0));
      if (takeAt > now()) times.push(takeAt);
      else takeOver(live);
    }
    timers.set(live.id, times.length === 0 ? undefined : Math.min(...times));
  };

  return {
    consider,
    wake: () => {
      for (const id of timers.takeDue(now())) {
        const live = manager().live.get(id);
        const process = live?.kept.process;
        if (live === undefined || process === undefined) continue;
        const dueAt = process.runner === runner ? dueAtOf(process) : undefined;
        if (dueAt !== undefined && dueAt <= now() && live.passAgainAt <= now()) passTime(live);
        else consider(live);
      }
    },
    nextWakeAt: timers.next,
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    stop: () => end.abort(),
  };
}

function nameOf(runner: string): string {
  return runner.slice(0, runner.lastIndexOf('#'));
}

function told({ code, message }: Rejection): { code: string; message: string } {
  return { code, message };
}
