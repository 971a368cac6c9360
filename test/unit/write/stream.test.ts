import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { create, type DescMessage, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import {
  CommandBatchSchema,
  type CommandResultBatch,
} from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { isRejection } from '../../../src/kernel/rejection.ts';
import { createValidation } from '../../../src/kernel/validation.ts';
import { tradingWrite } from '../../../src/trading/write.ts';
import type { EventStore } from '../../../src/write/event-store.ts';
import { createCommandService } from '../../../src/write/service.ts';
import { accepted, alice, callOf, operator, startBus } from '../../support/command-bus.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db') });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

const packed = <Desc extends DescMessage>(
  sequence: number,
  schema: Desc,
  init: MessageInitShape<Desc>,
) => ({ sequence: BigInt(sequence), command: anyPack(schema, create(schema, init)) });

async function* batches(...of: MessageInitShape<typeof CommandBatchSchema>[]) {
  for (const batch of of) yield create(CommandBatchSchema, batch) as Message;
}

async function run(requests: AsyncIterable<Message>, principal = alice, headers = {}) {
  const service = createCommandService(startBus(store), tradingWrite, createValidation());
  const handler = service.handlers.find(({ kind }) => kind === 'bidi_streaming');
  if (handler?.kind !== 'bidi_streaming') throw new Error('no stream of commands');
  const answers = [];
  for await (const answer of handler.handle(requests, callOf(principal, headers)))
    answers.push(answer);
  return answers;
}

const resultsOf = (answers: Awaited<ReturnType<typeof run>>) =>
  answers.flatMap((answer) => (answer as CommandResultBatch).results);

async function openPortfolio(): Promise<string> {
  const opened = await startBus(store).send(OpenPortfolioCommandSchema, {
    userId: 'alice',
    portfolioName: 'Savings',
    baseCurrency: 'USD',
    costBasisMethod: CostBasisMethod.FIFO,
  });
  return accepted(opened).aggregateId;
}

describe('streamed commands', () => {
  test('take effect in their order on each aggregate, and are answered in it', async () => {
    const ids = [await openPortfolio(), await openPortfolio()];
    const commands = Array.from({ length: 400 }, (_, i) =>
      packed(i, DepositCashCommandSchema, {
        portfolioId: ids[i % 2] ?? '',
        amount: '1',
        note: String(i),
      }),
    );
    const parts = [commands.slice(0, 150), commands.slice(150, 151), commands.slice(151)];
    const answers = await run(batches(...parts.map((part) => ({ commands: part }))));
    expect(answers.map((answer) => (answer as CommandResultBatch).results.length)).toEqual([
      150, 1, 249,
    ]);
    const results = resultsOf(answers);
    expect(results.map(({ sequence }) => Number(sequence))).toEqual(commands.map((_, i) => i));
    for (const [index, id] of ids.entries()) {
      const notes: string[] = [];
      for await (const event of store.read(`portfolio-${id}`, { from: 1 })) {
        notes.push(String(event.data.note));
      }
      expect(notes).toEqual(Array.from({ length: 200 }, (_, i) => String(2 * i + index)));
    }
  });

  test('a refused, an unknown and a malformed command do not end the stream', async () => {
    const id = await openPortfolio();
    const unknown = 'type.googleapis.com/cipherhorizon.trading.v1.Unknown';
    const known = 'type.googleapis.com/cipherhorizon.trading.v1.DepositCashCommand';
    const answers = await run(
      batches({
        commands: [
          packed(1, DepositCashCommandSchema, { portfolioId: id, amount: '0' }),
          { sequence: 2n, command: { typeUrl: unknown, value: new Uint8Array() } },
          { sequence: 3n, command: { typeUrl: known, value: new Uint8Array([255, 255]) } },
          packed(4, DepositCashCommandSchema, { portfolioId: randomUUID(), amount: '1' }),
          packed(5, DepositCashCommandSchema, { portfolioId: id, amount: '1' }),
        ],
      }),
    );
    const told = resultsOf(answers).map(({ outcome }) =>
      outcome.case === 'refusal' ? [outcome.value.code, outcome.value.status] : outcome.case,
    );
    expect(told).toEqual([
      ['AMOUNT_NOT_POSITIVE', 3],
      ['COMMAND_UNKNOWN', 3],
      ['MALFORMED', 3],
      ['PORTFOLIO_NOT_FOUND', 5],
      'receipt',
    ]);
  });

  test('each is authorised as its own RPC is', async () => {
    const id = await openPortfolio();
    const commands = [packed(1, DepositCashCommandSchema, { portfolioId: id, amount: '1' })];
    const [result] = resultsOf(await run(batches({ commands }), operator));
    expect(result?.outcome).toMatchObject({ case: 'refusal', value: { code: 'ROLE_MISSING' } });
  });

  test('an element without a command is refused alone', async () => {
    const id = await openPortfolio();
    const deposit = (sequence: number) =>
      packed(sequence, DepositCashCommandSchema, { portfolioId: id, amount: '1' });
    const answers = await run(
      batches({ commands: [deposit(1), { sequence: 2n }, deposit(3)] }, { commands: [deposit(4)] }),
    );
    expect(answers).toHaveLength(2);
    const results = resultsOf(answers);
    expect(results.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4]);
    expect(results.map(({ outcome }) => outcome.case)).toEqual([
      'receipt',
      'refusal',
      'receipt',
      'receipt',
    ]);
    expect(results[1]?.outcome.value).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'command: value is required',
      status: 3,
      fields: [{ field: 'command', rule: 'required', message: 'value is required' }],
    });
  });

  test('a batch that breaks its rules ends the stream, after what came before it', async () => {
    const id = await openPortfolio();
    const good: MessageInitShape<typeof CommandBatchSchema> = {
      commands: [packed(1, DepositCashCommandSchema, { portfolioId: id, amount: '1' })],
    };
    const tooMany = { commands: Array.from({ length: 1001 }, (_, i) => ({ sequence: BigInt(i) })) };
    const answers = await run(batches(good, tooMany, good));
    expect(answers).toHaveLength(2);
    expect((answers[0] as CommandResultBatch).results[0]?.outcome.case).toBe('receipt');
    const refusal = answers[1];
    if (!isRejection(refusal)) throw new Error('the stream goes on');
    expect(refusal.fields?.[0]?.field).toBe('commands');
  });

  test('a header cannot give one id to all of its commands', async () => {
    const answers = await run(batches(), alice, { 'x-command-id': randomUUID() });
    expect(answers).toMatchObject([
      { code: 'COMMAND_ID_INVALID', fields: [{ field: 'x-command-id' }] },
    ]);
  });

  test('nobody that is unknown may open one', async () => {
    const service = createCommandService(startBus(store), tradingWrite, createValidation());
    const handler = service.handlers.find(({ kind }) => kind === 'bidi_streaming');
    if (handler?.kind !== 'bidi_streaming') throw new Error('no stream of commands');
    const answers = [];
    for await (const answer of handler.handle(batches(), callOf(undefined))) answers.push(answer);
    expect(answers).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });
});
