import { StoreFault } from '../kernel/fault.ts';
import type { Position } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import { type AdvanceContext, advance } from './advance.ts';
import { type Definitions, type Verdict, verdictOf } from './catalogue.ts';
import { decide, type Input } from './decide.ts';
import type { ProcessEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { createJournal, type Kept } from './journal.ts';
import { createLiveProcesses, fresh, type Live, type LiveProcesses } from './live.ts';
import type { ProcessStore } from './ports.ts';
import { type Cause, outcomeOf, type Process, type ProcessState } from './state.ts';
import { createTurns } from './turns.ts';

export type ManagerOptions = {
  readonly definitions: Definitions;
  readonly store: ProcessStore;
  /** This life of the runner, `<name>#<life>`. */
  readonly runner: string;
  readonly now: () => number;
  readonly log: Log;
  readonly observe: (definition: string, outcome: string) => void;
};

/** What is new in a process: from its state, so that it can be asked again after a conflict. */
export type Make = (process: ProcessState, nowMs: number) => readonly ProcessEvent[];

/** Decides, and keeps what was decided. Everything on one process happens one after another. */
export type Manager = {
  readonly live: LiveProcesses;
  /** Appends what an input makes of the process, and what follows from it. */
  readonly change: (live: Live, make: Make, causedBy: string) => Promise<void>;
  /** `make` of an input. */
  readonly take: (input: Input) => Make;
  /** Reads what others have written, up to a revision at least, and does what follows from it. */
  readonly follow: (live: Live, revision: number) => Promise<void>;
  /** The process as its stream has it, where it has not ended. */
  readonly load: (id: string, since: Position) => Promise<Live | undefined>;
};

const mostConflicts = 50;
const mostEventsAtOnce = 200;

/** `onChange` is told after every change, and when a process has ended. */
export function createManager(
  options: ManagerOptions & { readonly onChange: (live: Live) => void },
): Manager {
  const { definitions, runner, now, log } = options;
  const journal = createJournal(options.store, `process runner ${runner}`);
  const turn = createTurns();
  const live = createLiveProcesses(definitions, (err, processId) => {
    log.error({ err, processId }, 'a process definition cannot tell its correlation');
  });

  const learn = (one: Live, kept: Kept) => {
    const moved = kept !== one.kept;
    if (moved) Object.assign(one, fresh);
    one.kept = kept;
    one.isStale = false;
    if (!moved) return;
    live.settle(one);
    options.onChange(one);
  };

  const catchUp = async (one: Live) => {
    learn(one, await journal.follow(one.id, one.kept));
  };

  const made = (process: ProcessState, make: Make, nowMs: number): readonly ProcessEvent[] => {
    const events = [...make(process, nowMs)];
    let next = events.reduce(evolve, process);
    while (next !== undefined && events.length < mostEventsAtOnce) {
      const definition = definitions.of(next.definition, next.version);
      const context: AdvanceContext = { definition, runner, nowMs };
      const more = advance(next, context);
      if (more.length === 0) return events;
      events.push(...more);
      next = more.reduce(evolve, next);
    }
    return events;
  };

  const changeNow = async (one: Live, make: Make, causedBy: string) => {
    if (one.isStale) await catchUp(one);
    for (let conflicts = 0; conflicts < mostConflicts; conflicts += 1) {
      const nowMs = now();
      const events = made(one.kept.process, make, nowMs);
      if (events.length === 0) return;
      one.isStale = true;
      const kept = await journal.append(one.id, one.kept, events, { causedBy, nowMs });
      if (kept !== undefined) {
        observe(options, events, kept.process);
        return learn(one, kept);
      }
      await catchUp(one);
    }
    throw new StoreFault('STORE_BUSY', `process ${one.id} is written to by too many at once`);
  };

  return {
    live,
    change: (one, make, causedBy) => turn(one.id, () => changeNow(one, make, causedBy)),
    take: (input) => (process, nowMs) => {
      if (process === undefined) return [];
      const definition = definitions.of(process.definition, process.version);
      const waitsForEvent = (step: number) =>
        (definition?.steps[step]?.completedBy ?? []).length > 0;
      const step = 'step' in input ? input.step : 0;
      const facts = {
        waitsForEvent: waitsForEvent(step),
        verdictOf: (cause: Cause): Verdict | undefined =>
          definition && safeVerdict(log, () => verdictOf(definition, process, step, cause)),
      };
      return decide(process, input, facts, nowMs);
    },
    follow: (one, revision) =>
      turn(one.id, async () => {
        if (one.isStale || one.kept.revision < revision) await catchUp(one);
        if (live.get(one.id) === one) await changeNow(one, nothing, '');
      }),
    load: (id, since) =>
      turn(id, async () => {
        const one = live.take(id, since);
        try {
          await catchUp(one);
          if (one.kept.process === undefined) live.drop(one);
        } catch (error) {
          live.drop(one);
          throw error;
        }
        if (live.get(id) !== one) return undefined;
        await changeNow(one, nothing, '');
        return live.get(id);
      }),
  };
}

const nothing: Make = () => [];

function safeVerdict(log: Log, verdict: () => Verdict | undefined): Verdict | undefined {
  try {
    return verdict();
  } catch (err) {
    log.error({ err }, 'a process definition cannot take an event');
    return undefined;
  }
}

function observe(
  { observe: count, log }: ManagerOptions,
  events: readonly ProcessEvent[],
  process: Process | undefined,
): void {
  if (process === undefined) return;
  const { id: processId, definition } = process;
  for (const { $typeName } of events) {
    if ($typeName === 'cipherhorizon.platform.v1.ProcessStarted') count(definition, 'started');
  }
  const outcome = outcomeOf(process);
  if (outcome === 'IN_PROGRESS') return;
  count(definition, outcome.toLowerCase());
  if (outcome === 'FAILED') {
    log.error({ processId, definition }, 'a process has failed: an operator has to look at it');
  } else log.info({ processId, definition, outcome }, 'a process has ended');
}
