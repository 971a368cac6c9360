import type { Principal } from '../kernel/principal.ts';
import { type Rejection, reject } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { ServerLimits } from './limits.ts';
import { type Failure, failure, failureOf, statusCode } from './status.ts';

/** Why a call ends before its handler does. */
export type Ending = 'CANCELLED' | 'DEADLINE' | 'STOPPING';

/**
 * How a call is counted: unary calls and streams have a limit each, and streams end as soon as the
 * server stops. A probe of the server's health is let in whatever the load.
 */
export type Weight = 'unary' | 'stream' | 'probe';

/**
 * A call at work, from its admission until its handler is done. It goes
 *   open -> settled                      the handler is done, and its answer is sent
 *   open -> ended -> settled             answered early; the handler still holds its place
 * `end` moves it to ended, once; `settle` to settled, once. Who opens it must settle it.
 */
export type OpenCall = Call & {
  principal: Principal | undefined;
  deadlineMs?: number;
  readonly weight: Weight;
  /** Set by the protocol: answers the caller now. Called once at most. */
  onEnd: ((ending: Ending) => void) | undefined;
  ending: Ending | undefined;
  settled: boolean;
  controller: AbortController | undefined;
};

export type Calls = {
  /** Admits a call, or refuses it: OVERLOADED above a limit, UNAVAILABLE while stopping. */
  readonly open: (
    weight: Weight,
    header: (name: string) => string | undefined,
    callerDeadlineMs: number | undefined,
  ) => OpenCall | Rejection;
  readonly end: (call: OpenCall, ending: Ending) => void;
  readonly settle: (call: OpenCall) => void;
  /** Refuses new calls, ends the streams, and waits for the others until the limit's `shutdownMs`. */
  readonly stop: () => Promise<void>;
  readonly isStopping: () => boolean;
  readonly count: (weight: Weight) => number;
  /** Calls refused because a limit was reached. */
  readonly overloads: () => number;
};

/** How often deadlines are looked at: a timer for each call would cost more than it gives. */
const sweepMs = 25;

const endingText: Readonly<Record<Ending, string>> = {
  CANCELLED: 'the caller has gone',
  DEADLINE: 'the deadline has passed; the call may have taken effect all the same',
  STOPPING: 'the server stops',
};

/** What a caller is told whose call ended before its handler did. */
export function failureOfEnding(ending: Ending): Failure {
  const text = endingText[ending];
  if (ending === 'DEADLINE')
    return failure(statusCode.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', text);
  if (ending === 'CANCELLED') return failure(statusCode.CANCELLED, 'CANCELLED', text);
  return failureOf(stopping());
}

function stopping(): Rejection {
  return reject('UNAVAILABLE', 'SERVER_STOPPING', 'the server stops: try again');
}

function overloaded(what: string, limit: number): Rejection {
  return reject(
    'OVERLOADED',
    'SERVER_OVERLOADED',
    `the server has ${limit} ${what} open: its limit`,
  );
}

function abort(controller: AbortController, ending: Ending): void {
  controller.abort(new DOMException(endingText[ending], 'AbortError'));
}

function createCall(weight: Weight, header: Call['header']): OpenCall {
  return {
    principal: undefined,
    header,
    weight,
    onEnd: undefined,
    ending: undefined,
    settled: false,
    controller: undefined,
    // Most calls never ask for their signal.
    get signal() {
      if (this.controller === undefined) {
        this.controller = new AbortController();
        if (this.ending !== undefined) abort(this.controller, this.ending);
      }
      return this.controller.signal;
    },
  };
}

export function createCalls(limits: ServerLimits): Calls {
  const open = new Set<OpenCall>();
  const counts: Record<Weight, number> = { unary: 0, stream: 0, probe: 0 };
  let overloads = 0;
  let isStopping = false;
  let sweep: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;

  function end(call: OpenCall, ending: Ending): void {
    if (call.settled || call.ending !== undefined) return;
    call.ending = ending;
    call.onEnd?.(ending);
    if (call.controller !== undefined) abort(call.controller, ending);
  }

  function endAll(weights: readonly Weight[]): void {
    for (const call of open) if (weights.includes(call.weight)) end(call, 'STOPPING');
  }

  function endLate(): void {
    sweep = undefined;
    const now = Date.now();
    for (const call of open) {
      if (call.deadlineMs !== undefined && call.deadlineMs <= now) end(call, 'DEADLINE');
    }
    if (open.size > 0) startSweep();
  }

  function startSweep(): void {
    sweep = setTimeout(endLate, sweepMs);
    sweep.unref();
  }

  function refusal(weight: Weight): Rejection | undefined {
    if (weight === 'probe') return undefined;
    if (isStopping) return stopping();
    const limit = weight === 'unary' ? limits.maxInFlight : limits.maxStreams;
    if (counts[weight] < limit) return undefined;
    overloads += 1;
    return overloaded(weight === 'unary' ? 'calls' : 'streams', limit);
  }

  return {
    open: (weight, header, callerDeadlineMs) => {
      const refused = refusal(weight);
      if (refused !== undefined) return refused;
      const call = createCall(weight, header);
      const latest =
        weight === 'stream' ? Number.POSITIVE_INFINITY : Date.now() + limits.deadlineMs;
      const deadlineMs = Math.min(callerDeadlineMs ?? latest, latest);
      if (deadlineMs !== Number.POSITIVE_INFINITY) call.deadlineMs = deadlineMs;
      counts[weight] += 1;
      open.add(call);
      if (sweep === undefined) startSweep();
      return call;
    },
    end,
    settle: (call) => {
      if (call.settled) return;
      call.settled = true;
      counts[call.weight] -= 1;
      open.delete(call);
      if (open.size === 0) onIdle?.();
    },
    stop: async () => {
      isStopping = true;
      endAll(['stream']);
      if (open.size === 0) return;
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, limits.shutdownMs);
      await Promise.race([idle, patience.promise]);
      clearTimeout(timer);
      endAll(['unary', 'probe']);
    },
    isStopping: () => isStopping,
    count: (weight) => counts[weight],
    overloads: () => overloads,
  };
}
