import type { JsonObject } from '../kernel/json.ts';

// The state of a process is plain JSON, so that it can be kept in a snapshot as it is. Times are
// milliseconds since 1970.

/** A command as it is sent, each time the same. */
export type Command = {
  readonly commandId: string;
  readonly type: string;
  readonly payload: JsonObject;
  readonly subject: string;
  readonly roles: readonly string[];
};

export type Receipt = {
  readonly commandId: string;
  readonly aggregateId: string;
  readonly stream: string;
  readonly revision: number;
  readonly eventIds: readonly string[];
};

/** An event of the log that had a part in the process. */
export type Cause = {
  readonly eventId: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly data: JsonObject;
};

export type Refusal = { readonly code: string; readonly message: string };

/**
 *     PENDING --> COMPLETED --> COMPENSATING --> COMPENSATED
 *     PENDING --> FAILED -(it has happened)-> COMPENSATING
 *     COMPENSATING --refused, or its time is over--> FAILED --retried--> COMPENSATING
 */
export type StepPhase = 'PENDING' | 'COMPLETED' | 'FAILED' | 'COMPENSATING' | 'COMPENSATED';

export type StepState = {
  readonly name: string;
  readonly phase: StepPhase;
  /** Its command has taken effect, as far as is known: there is something to compensate. */
  readonly happened: boolean;
  readonly command?: Command;
  readonly receipt?: Receipt;
  /** What completed it, or told that it has failed. */
  readonly event?: Cause;
  /** Came before the step had started. */
  readonly noted?: readonly Cause[];
  readonly refusal?: Refusal;
  readonly compensation?: Command;
  readonly compensationReceipt?: Receipt;
  readonly compensationRefusal?: Refusal;
  /** An operator has taken it over. */
  readonly givenUp?: boolean;
};

/** What is under way with one step. */
type UnderWay = {
  readonly step: number;
  readonly startedAt: number;
  readonly dueAt: number;
  readonly resolveBy: number;
};

/**
 * What the process is at. `advancing` and `turning` are never stored as the last word: what follows
 * from them is decided at once, unless an operator's command has led there.
 *
 *     advancing --> running (a step) --> advancing .. --> completed
 *     running --refused, failed--> turning
 *     running --time over, cancelled; its command's outcome unknown--> resolving --> turning
 *     turning --> compensating (a step) --> turning .. --> compensated
 *     resolving, compensating --cannot be done--> failed --retried--> resolving, compensating
 *     failed --cancelled--> turning --> failed (settled)
 */
export type Stage =
  | { readonly kind: 'advancing'; readonly step: number }
  | ({ readonly kind: 'running' } & UnderWay)
  | ({ readonly kind: 'resolving'; readonly why: Refusal } & UnderWay)
  | { readonly kind: 'turning' }
  | ({ readonly kind: 'compensating' } & UnderWay)
  | { readonly kind: 'completed' }
  | { readonly kind: 'compensated' }
  | {
      readonly kind: 'failed';
      /** What could not be done, with the limit of a next attempt in milliseconds. */
      readonly stuck:
        | { readonly at: 'outcome'; readonly why: Refusal; readonly step: number }
        | { readonly at: 'compensation'; readonly step: number };
      readonly limitMs: number;
      readonly settled: boolean;
    };

export type Process = {
  readonly id: string;
  readonly definition: string;
  readonly version: number;
  readonly data: JsonObject;
  readonly startedBy: Cause;
  readonly actor: string;
  readonly roles: readonly string[];
  readonly correlationId: string;
  readonly startedAt: number;
  readonly dueAt: number;
  readonly steps: readonly StepState[];
  readonly stage: Stage;
  /** The life of a runner that acts for the process; a refusal counts only where it has asked. */
  readonly runner: string;
  /** The time of the last event. */
  readonly changedAt: number;
};

/** `undefined` while there is none. */
export type ProcessState = Process | undefined;

export type ProcessOutcome = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'COMPENSATED';

export function outcomeOf({ stage }: Process): ProcessOutcome {
  switch (stage.kind) {
    case 'completed':
      return 'COMPLETED';
    case 'compensated':
      return 'COMPENSATED';
    case 'failed':
      return 'FAILED';
    case 'advancing':
    case 'running':
    case 'resolving':
    case 'turning':
    case 'compensating':
      return 'IN_PROGRESS';
  }
}

export function isUnfinished(process: Process): boolean {
  return outcomeOf(process) === 'IN_PROGRESS';
}

/** When something has to happen at the latest; undefined where nothing is waited for. */
export function dueAtOf({ stage, dueAt }: Process): number | undefined {
  switch (stage.kind) {
    case 'running':
      return Math.min(stage.dueAt, dueAt);
    case 'resolving':
      return stage.resolveBy;
    case 'compensating':
      return stage.dueAt;
    case 'advancing':
    case 'turning':
    case 'completed':
    case 'compensated':
    case 'failed':
      return undefined;
  }
}

export type Purpose = 'step' | 'compensation';

/** The command whose outcome is not known: it is sent until it is. */
export function unansweredOf(
  process: Process,
): { readonly step: number; readonly purpose: Purpose; readonly command: Command } | undefined {
  const { stage } = process;
  if (stage.kind !== 'running' && stage.kind !== 'resolving' && stage.kind !== 'compensating') {
    return undefined;
  }
  const { step } = stage;
  const { command, compensation, receipt } = process.steps[step] ?? {};
  if (stage.kind === 'compensating') {
    return compensation && { step, purpose: 'compensation', command: compensation };
  }
  return command && receipt === undefined ? { step, purpose: 'step', command } : undefined;
}
