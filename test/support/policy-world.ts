import { create, type DescMessage, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { DepositCashCommandSchema } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CashDepositedSchema,
  CashWithdrawnSchema,
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { deriveUuid } from '../../src/kernel/derived-id.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { type Rejection, reject } from '../../src/kernel/rejection.ts';
import {
  closesBy,
  definePolicy,
  opensBy,
  type PolicyDefinition,
  reactsTo,
} from '../../src/process/kit.ts';
import type { OutgoingCommand } from '../../src/process/ports.ts';
import type { Receipt } from '../../src/process/state.ts';
import { allOf } from './process-world.ts';

// A world for a policy: portfolios that are opened are interested in a key, updates of the key lead to
// a deposit in each of them, and a withdrawal ends the interest; it may be news of a key, too.

export type Happening =
  | { readonly kind: 'open'; readonly target: string; readonly key: string }
  | { readonly kind: 'close'; readonly target: string; readonly key: string | undefined }
  | { readonly kind: 'news'; readonly key: string; readonly goes: Goes };

/** What becomes of the commands that news lead to. */
export type Goes = 'well' | 'refused' | 'a fault before' | 'a fault after' | 'not built';

export const policyOfWorld: PolicyDefinition = definePolicy<{ key: string }>({
  name: 'made_up',
  opens: [
    opensBy({
      event: PortfolioOpenedSchema,
      interest: ({ portfolioId, portfolioName }) => ({
        target: portfolioId,
        key: portfolioName,
        data: { key: portfolioName },
      }),
    }),
  ],
  closes: [closesBy({ event: CashWithdrawnSchema, target: ({ portfolioId }) => portfolioId })],
  on: [
    reactsTo({
      event: PortfolioUpdatedSchema,
      key: ({ portfolioName }) => portfolioName,
      command: ({ target, data }, { portfolioName, userId: note }) => ({
        schema: DepositCashCommandSchema,
        build: () => {
          if (portfolioName !== data.key) throw new Error('of another key');
          if (note.endsWith('not built')) throw new Error('made to fail');
          return create(DepositCashCommandSchema, {
            portfolioId: target,
            amount: '1',
            note,
          });
        },
      }),
    }),
    reactsTo({
      event: CashWithdrawnSchema,
      key: ({ currency }) => currency || undefined,
      command: ({ target }, { note }) => ({
        schema: DepositCashCommandSchema,
        build: () => create(DepositCashCommandSchema, { portfolioId: target, amount: '1', note }),
      }),
    }),
  ],
});

/** A command that has taken effect: of whom, and of which news, by their number. */
export type Took = { readonly target: string; readonly news: number };

export function createPolicyWorld(path: string) {
  const log = createSqliteEventLog({ path, synchronous: 'NORMAL' });
  let nowMs = 1_000_000;
  let happened = 0;
  const faults = new Set<string>();

  const append = <Desc extends DescMessage>(
    stream: string,
    schema: Desc,
    message: MessageInitShape<Desc>,
    metadata: JsonObject,
    expected: 'any' | 'no_stream' = 'any',
  ) => {
    const data = toJson(schema, create(schema, message)) as JsonObject;
    const id = deriveUuid(stream, `${happened}/${JSON.stringify(data)}`);
    return log.append(stream, expected, [{ id, type: schema.typeName, data, metadata }]);
  };

  const execute = async (
    command: OutgoingCommand,
    isDead = () => false,
  ): Promise<Receipt | Rejection> => {
    const { commandId, correlationId } = command;
    const { note = '', portfolioId = '' } = command.payload as { [name: string]: string };
    const isFirst = !faults.has(commandId);
    faults.add(commandId);
    if (note.endsWith('a fault before') && isFirst) throw new Error('did not arrive');
    if (isDead()) throw new Error('the bus is no more');
    if (note.endsWith('refused')) return reject('PRECONDITION', 'REFUSED', note);
    const stream = `effect-${commandId}`;
    const metadata = { $correlationId: correlationId, actor: command.subject };
    // 'no_stream' with the same event is a repeat: nothing is stored twice.
    if ((await allOf(log.read(stream))).length === 0) {
      const message = { portfolioId, note };
      await append(stream, CashDepositedSchema, message, metadata, 'no_stream');
    }
    if (note.endsWith('a fault after') && isFirst) throw new Error('the answer was lost');
    const [event] = await allOf(log.read(stream));
    const eventIds = event === undefined ? [] : [event.id];
    return { commandId, aggregateId: '', stream, revision: 0, eventIds };
  };

  return {
    log,
    now: () => nowMs,
    pass: (until: number) => {
      nowMs = Math.max(nowMs, until);
    },
    execute,
    /** One after another; news are numbered as they are in the list. */
    happen: async (happening: Happening) => {
      const number = happened;
      happened += 1;
      const metadata = { actor: 'alice', roles: ['user'], $correlationId: `told ${number}` };
      switch (happening.kind) {
        case 'open': {
          const { target, key } = happening;
          const opened = { portfolioId: target, portfolioName: key };
          return append(`portfolio-${target}`, PortfolioOpenedSchema, opened, metadata);
        }
        case 'close': {
          const { target, key = '' } = happening;
          const closed = { portfolioId: target, currency: key, note: `${number} well` };
          return append(`portfolio-${target}`, CashWithdrawnSchema, closed, metadata);
        }
        case 'news': {
          const { key, goes } = happening;
          const news = { portfolioName: key, userId: `${number} ${goes}` };
          return append(`news-${key}`, PortfolioUpdatedSchema, news, metadata);
        }
      }
    },
    /** In the order in which they took effect. */
    effects: async (): Promise<readonly Took[]> => {
      const found: Took[] = [];
      const filter = { types: [CashDepositedSchema.typeName] };
      for await (const { events } of log.readAll({ filter })) {
        for (const { data } of events) {
          const { portfolioId, note } = data as { portfolioId: string; note: string };
          found.push({ target: portfolioId, news: Number.parseInt(note, 10) });
        }
      }
      return found;
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

export type PolicyWorld = ReturnType<typeof createPolicyWorld>;
