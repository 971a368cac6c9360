import { create, type DescMessage, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import {
  DepositCashCommandSchema,
  WithdrawCashCommandSchema,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CashDepositedSchema,
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { deriveUuid } from '../../src/kernel/derived-id.ts';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import { StoreFault } from '../../src/kernel/fault.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { type Rejection, reject } from '../../src/kernel/rejection.ts';
import {
  completedBy,
  defineProcess,
  type ProcessDefinition,
  startedBy,
} from '../../src/process/kit.ts';
import type { OutgoingCommand, ProcessStore, SendCommand } from '../../src/process/ports.ts';
import type { Receipt } from '../../src/process/state.ts';

// A world for made-up processes: what their commands do there is written in the same event log, and
// goes as a script says. Its time is its own.

/** What becomes of one command. */
export type CommandScript = {
  /** Sends that fail before anything has happened, and after all has. */
  readonly faultsBefore: number;
  readonly faultsAfter: number;
  /** How often it is refused before it is accepted. */
  readonly refusals: number;
};

/** How the event that a step waits for comes: so long after its command, or not at all. */
export type EventScript = {
  readonly by: 'correlation' | 'declared';
  readonly afterMs: number | 'before the step' | 'never';
  readonly tells: 'completed' | 'failed' | 'failed, compensate';
};

export type StepScript = {
  readonly command: CommandScript;
  readonly event: EventScript | undefined;
  readonly compensation: CommandScript | 'nothing to undo';
  readonly isSkipped: boolean;
  readonly timeLimitMs: number;
};

export type ProcessScript = {
  readonly steps: readonly StepScript[];
  readonly timeLimitMs: number;
};

export type Effect = { readonly note: string; readonly at: number };

export function stepName(index: number): string {
  return `step ${index}`;
}

/** The definition of a script. Its processes start with every portfolio that is opened. */
export function definitionOf({ steps, timeLimitMs }: ProcessScript): ProcessDefinition {
  return defineProcess<{ key: string }>({
    name: 'made_up',
    version: 1,
    starts: [
      startedBy({
        event: PortfolioOpenedSchema,
        data: ({ portfolioId }) => ({ key: portfolioId }),
      }),
    ],
    timeLimitMs,
    steps: steps.map((step, index) => ({
      name: stepName(index),
      timeLimitMs: step.timeLimitMs,
      command: {
        schema: DepositCashCommandSchema,
        build: ({ data }) =>
          step.isSkipped
            ? undefined
            : create(DepositCashCommandSchema, {
                portfolioId: data.key,
                amount: '1',
                note: `${index}/step`,
              }),
      },
      compensation:
        step.compensation === 'nothing to undo'
          ? step.compensation
          : {
              schema: WithdrawCashCommandSchema,
              build: ({ data }) =>
                create(WithdrawCashCommandSchema, {
                  portfolioId: data.key,
                  amount: '1',
                  note: `${index}/compensation`,
                }),
            },
      ...(step.event !== undefined && { completedBy: [completionOf(step.event, index)] }),
    })),
  });
}

function completionOf({ by, tells }: EventScript, index: number) {
  return completedBy<typeof PortfolioUpdatedSchema, { key: string }>({
    event: PortfolioUpdatedSchema,
    accepts: ({ portfolioName }) => portfolioName === stepName(index),
    ...(by === 'declared' && {
      correlation: { key: ({ portfolioId }) => portfolioId, of: ({ data }) => data.key },
    }),
    ...(tells !== 'completed' && {
      fails: () => ({ code: 'TOLD_SO', message: 'an event told so' }),
      compensate: tells === 'failed, compensate',
    }),
  });
}

type Due = { readonly at: number; readonly append: () => Promise<unknown> };

/** The log, the clock and the outside of one test. */
export function createWorld(path: string, script: ProcessScript) {
  const log = createSqliteEventLog({ path, synchronous: 'NORMAL' });
  let nowMs = 1_000_000;
  let agenda: Due[] = [];
  const counts = new Map<string, number>();

  /** Whether this is still one of the first `most` of its kind. */
  const isAmong = (what: string, most: number) => {
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    return count <= most;
  };

  const append = <Desc extends DescMessage>(
    stream: string,
    schema: Desc,
    message: MessageInitShape<Desc>,
    metadata: JsonObject = {},
    expected: 'any' | 'no_stream' = 'any',
  ) => {
    const data = toJson(schema, create(schema, message)) as JsonObject;
    const id = deriveUuid(stream, `${schema.typeName}/${JSON.stringify(data)}`);
    return log.append(stream, expected, [{ id, type: schema.typeName, data, metadata }]);
  };

  const tell = (key: string, index: number, { afterMs, by }: EventScript, processId: string) => {
    const metadata = by === 'correlation' ? { $correlationId: processId } : {};
    const happen = () =>
      append(
        `outside-${key}-${index}`,
        PortfolioUpdatedSchema,
        {
          portfolioId: key,
          portfolioName: stepName(index),
        },
        metadata,
      );
    if (typeof afterMs === 'number') agenda.push({ at: nowMs + afterMs, append: happen });
    return afterMs === 'before the step' ? happen() : undefined;
  };

  /** The command bus dies with its runner: what it had not appended then does not come to be. */
  const execute = async (command: OutgoingCommand, isDead = () => false) => {
    const { note = '', portfolioId = '' } = command.payload as { [name: string]: string };
    const [index = '', purpose = ''] = note.split('/');
    const step = script.steps[Number(index)];
    const plan = purpose === 'step' ? step?.command : step?.compensation;
    if (step === undefined || plan === undefined || plan === 'nothing to undo') {
      throw new Error(`no script for ${note}`);
    }
    const name = `${portfolioId}/${note}`;
    if (isAmong(`${name} before`, plan.faultsBefore)) throw new Error('did not arrive');
    const outcome = await effectOf(command, name, plan, isDead);
    if ('rejected' in outcome) return outcome;
    if (!outcome.repeated && purpose === 'step' && step.event !== undefined) {
      await tell(portfolioId, Number(index), step.event, command.correlationId);
    }
    if (isAmong(`${name} after`, plan.faultsAfter)) throw new Error('the answer was lost');
    return outcome.receipt;
  };

  const effectOf = async (
    { commandId, correlationId }: OutgoingCommand,
    name: string,
    plan: CommandScript,
    isDead: () => boolean,
  ): Promise<Rejection | { readonly receipt: Receipt; readonly repeated: boolean }> => {
    const stream = `effect-${commandId}`;
    const before = await allOf(log.read(stream));
    if (isDead()) throw new Error('the bus is no more');
    if (before.length === 0) {
      if (isAmong(`${name} refusals`, plan.refusals)) {
        return reject('PRECONDITION', 'REFUSED_BY_SCRIPT', `${name} is refused`);
      }
      const metadata = { $correlationId: correlationId, $causationId: commandId };
      // Another life of the runner may be sending it at this moment.
      await append(stream, CashDepositedSchema, { note: name }, metadata, 'no_stream');
    }
    const events = before.length === 0 ? await allOf(log.read(stream)) : before;
    const eventIds = events.map(({ id }) => id);
    const receipt = { commandId, aggregateId: commandId, stream, revision: 0, eventIds };
    return { receipt, repeated: before.length > 0 };
  };

  return {
    log,
    now: () => nowMs,
    execute,
    /** Starts a process. An event that is to come before its step is there already. */
    open: async (key: string) => {
      const metadata = { actor: 'alice', roles: ['user'], $correlationId: `conversation ${key}` };
      await append(`portfolio-${key}`, PortfolioOpenedSchema, { portfolioId: key }, metadata);
      for (const [index, { event }] of script.steps.entries()) {
        if (event?.afterMs === 'before the step' && event.by === 'declared') {
          await tell(key, index, event, '');
        }
      }
    },
    /** To the next time at which something is to happen, here or by `other`; whether there is one. */
    pass: async (other: number | undefined) => {
      const next = Math.min(...agenda.map(({ at }) => at), other ?? Number.POSITIVE_INFINITY);
      if (next === Number.POSITIVE_INFINITY) return false;
      nowMs = Math.max(nowMs, next);
      const due = agenda.filter(({ at }) => at <= nowMs);
      agenda = agenda.filter(({ at }) => at > nowMs);
      for (const { append: happen } of due) await happen();
      return true;
    },
    /** What the commands have done, in the order in which they did it. */
    effects: async (): Promise<readonly Effect[]> => {
      const found: Effect[] = [];
      const filter = { types: [CashDepositedSchema.typeName] };
      for await (const { events } of log.readAll({ filter })) {
        for (const { data, storedAt } of events)
          found.push({ note: String(data.note), at: storedAt });
      }
      return found;
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

export type World = ReturnType<typeof createWorld>;

/**
 * The ports of one life of a runner, which ends before or after the effect of the number that is
 * given: from then on nothing gets through.
 */
export function mortal(
  world: Pick<World, 'log' | 'execute'>,
  diesAt: number,
  when: 'before' | 'after',
) {
  let effects = 0;
  let isDead = false;
  const guarded = async <Result>(effect: () => Promise<Result>): Promise<Result> => {
    const own = isDead ? Number.POSITIVE_INFINITY : effects;
    effects += 1;
    const kill = () => {
      isDead = true;
      return new StoreFault('STORE_UNAVAILABLE', 'killed');
    };
    if (isDead || (own === diesAt && when === 'before')) throw kill();
    const result = await effect();
    if (isDead || own === diesAt) throw kill();
    return result;
  };
  const store: ProcessStore = {
    append: (stream, expected, events) => guarded(() => world.log.append(stream, expected, events)),
    read: async function* (stream, options) {
      if (isDead) throw new StoreFault('STORE_UNAVAILABLE', 'killed');
      yield* world.log.read(stream, options);
    },
    keepNewest: (stream, count) => guarded(() => world.log.keepNewest(stream, count)),
  };
  const execute: SendCommand = (command) => guarded(() => world.execute(command, () => isDead));
  return { store, execute, isDead: () => isDead };
}

export async function allOf(events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}
