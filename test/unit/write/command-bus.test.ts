import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../src/engines/sqlite/event-log.ts';
import { SynchronisationMode } from '../../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  ActivateTradingStrategyCommandSchema,
  CreateTradingStrategyCommandSchema,
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  PauseTradingStrategyCommandSchema,
  WithdrawCashCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
} from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { RecordedEvent } from '../../../src/kernel/event.ts';
import { type Position, position, start } from '../../../src/kernel/position.ts';
import { fromToken } from '../../../src/kernel/token.ts';
import type { EventStore } from '../../../src/write/event-store.ts';
import {
  accepted,
  admin,
  alice,
  bob,
  callOf,
  codeOf,
  startBus,
} from '../../support/command-bus.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let store: EventStore;
beforeAll(() => {
  store = createSqliteEventLog({ path: join(folder, 'events.db') });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

const rule = {
  indicator: { indicator: Indicator.RSI, window: 14 },
  comparator: Comparator.BELOW,
  against: { case: 'threshold' as const, value: '30' },
  action: RuleAction.ENTER_LONG,
};
const strategy = (name: string, commandId = '') => ({
  userId: 'alice',
  strategyName: name,
  rules: [rule],
  metadata: { commandId },
});
const portfolio = (commandId = '') => ({
  userId: 'alice',
  portfolioName: 'Savings',
  baseCurrency: 'USD',
  costBasisMethod: CostBasisMethod.FIFO,
  metadata: { commandId },
});
const deposit = (portfolioId: string, amount: string, commandId: string = randomUUID()) => ({
  portfolioId,
  amount,
  metadata: { commandId },
});

async function eventsOf(stream: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.read(stream)) events.push(event);
  return events;
}

describe('an accepted command', () => {
  test('is answered with a receipt of what is stored', async () => {
    const bus = startBus(store);
    const commandId = randomUUID();
    const receipt = accepted(
      await bus.send(CreateTradingStrategyCommandSchema, strategy('Receipts', commandId)),
    );
    const [event] = await eventsOf(receipt.stream);
    expect(receipt).toMatchObject({
      commandId,
      stream: `strategy-${receipt.aggregateId}`,
      revision: 0n,
      repeated: false,
      events: [{ eventId: event?.id, type: 'cipherhorizon.trading.v1.StrategyCreated' }],
    });
    expect(fromToken(receipt.consistencyToken)).toEqual(event?.position);
  });

  test('is in the log with its payload, who sent it, when and why, beside its event', async () => {
    const bus = startBus(store, { now: () => 1_700_000_000_000 });
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const call = callOf(alice, { traceparent, 'x-correlation-id': 'import 7' });
    const command = strategy('Audit', randomUUID());
    const receipt = accepted(await bus.send(CreateTradingStrategyCommandSchema, command, call));
    const [event] = await eventsOf(receipt.stream);
    expect(event?.metadata).toEqual({
      $correlationId: 'import 7',
      $causationId: receipt.commandId,
      receivedAt: '2023-11-14T22:13:20.000Z',
      actor: 'alice',
      roles: ['user'],
      traceparent,
      commandType: 'cipherhorizon.trading.v1.CreateTradingStrategyCommand',
      command: {
        userId: 'alice',
        strategyName: 'Audit',
        rules: [
          {
            indicator: { indicator: 'INDICATOR_RSI', window: 14 },
            comparator: 'COMPARATOR_BELOW',
            threshold: '30',
            action: 'RULE_ACTION_ENTER_LONG',
          },
        ],
      },
      eventCount: 1,
    });
  });

  test('that found everything already so is in the log too, and its repeat does nothing', async () => {
    const bus = startBus(store);
    const created = accepted(await bus.send(CreateTradingStrategyCommandSchema, strategy('Idle')));
    const of = { strategyId: created.aggregateId };
    await bus.send(ActivateTradingStrategyCommandSchema, of);
    await bus.send(PauseTradingStrategyCommandSchema, of);
    const again = { ...of, metadata: { commandId: randomUUID() } };
    const first = accepted(await bus.send(PauseTradingStrategyCommandSchema, again));
    expect(first.events.map(({ type }) => type)).toEqual([
      'cipherhorizon.platform.v1.NothingChanged',
    ]);
    accepted(await bus.send(ActivateTradingStrategyCommandSchema, of));
    const repeat = accepted(await bus.send(PauseTradingStrategyCommandSchema, again));
    expect(repeat).toEqual({ ...first, repeated: true });
    const types = (await eventsOf(created.stream)).map(({ type }) => type.split('.').at(-1));
    expect(types).toEqual([
      'StrategyCreated',
      'StrategyActivated',
      'StrategyPaused',
      'NothingChanged',
      'StrategyActivated',
    ]);
  });

  test('is refused at another revision than the caller expects', async () => {
    const bus = startBus(store);
    const { aggregateId } = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio()));
    const at = (expectedRevision: bigint) => ({
      ...deposit(aggregateId, '1'),
      metadata: { expectedRevision },
    });
    accepted(await bus.send(DepositCashCommandSchema, at(0n)));
    expect(codeOf(await bus.send(DepositCashCommandSchema, at(0n)))).toBe('REVISION_MISMATCH');
  });
});

describe('a repeated command', () => {
  test('gets the first receipt, also after a restart and ten thousand later commands', async () => {
    const opened = accepted(await startBus(store).send(OpenPortfolioCommandSchema, portfolio()));
    const command = deposit(opened.aggregateId, '5');
    const bus = startBus(store);
    const first = accepted(await bus.send(DepositCashCommandSchema, command));
    const later = Array.from({ length: 10_000 }, () =>
      bus.send(DepositCashCommandSchema, deposit(opened.aggregateId, '1')),
    );
    for (const receipt of await Promise.all(later)) accepted(receipt);
    for (const repeating of [bus, startBus(store)]) {
      const repeat = accepted(await repeating.send(DepositCashCommandSchema, command));
      expect(repeat).toEqual({ ...first, repeated: true });
    }
    expect(await eventsOf(opened.stream)).toHaveLength(10_002);
  });

  test('takes effect once when all arrive at once, on one server and on two', async () => {
    const buses = [startBus(store), startBus(store)] as const;
    const opened = accepted(await buses[0].send(OpenPortfolioCommandSchema, portfolio()));
    const command = deposit(opened.aggregateId, '5');
    const receipts = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        buses[i % 2 === 0 ? 0 : 1].send(DepositCashCommandSchema, command),
      ),
    );
    // Two servers that append the very same events at the same moment both believe to be first.
    for (const server of [0, 1]) {
      const own = receipts.filter((_, i) => i % 2 === server).map(accepted);
      expect(own.filter((receipt) => !receipt.repeated).length).toBeLessThanOrEqual(1);
    }
    const same = receipts.map((receipt) => ({ ...accepted(receipt), repeated: false }));
    for (const receipt of same) {
      expect(receipt).toEqual({ ...same[0], acceptedAt: receipt.acceptedAt });
    }
    expect(await eventsOf(opened.stream)).toHaveLength(2);
  });

  test('that makes an aggregate finds the one it made', async () => {
    const commandId = randomUUID();
    const first = accepted(
      await startBus(store).send(OpenPortfolioCommandSchema, portfolio(commandId)),
    );
    const again = accepted(
      await startBus(store).send(OpenPortfolioCommandSchema, portfolio(commandId)),
    );
    expect(again).toEqual({ ...first, repeated: true });
  });

  test('by its header is the same as by its field', async () => {
    const bus = startBus(store);
    const commandId = randomUUID();
    const first = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio(commandId)));
    const call = callOf(alice, { 'x-command-id': commandId.toUpperCase() });
    const again = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio(), call));
    expect(again).toEqual({ ...first, repeated: true });
    const wrong = callOf(alice, { 'x-command-id': 'seven' });
    expect(codeOf(await bus.send(OpenPortfolioCommandSchema, portfolio(), wrong))).toBe(
      'COMMAND_ID_INVALID',
    );
  });

  test('in both its field and its header has to be the same', async () => {
    const bus = startBus(store);
    const commandId = randomUUID();
    const headers = { 'x-command-id': commandId.toUpperCase(), 'x-correlation-id': 'import 7' };
    const command = {
      ...portfolio(),
      metadata: { commandId, correlationId: 'import 7' },
    };
    accepted(await bus.send(OpenPortfolioCommandSchema, command, callOf(alice, headers)));
    const other = randomUUID();
    const by = callOf(alice, { ...headers, 'x-command-id': other });
    const refusal = await bus.send(OpenPortfolioCommandSchema, command, by);
    expect(refusal).toMatchObject({
      kind: 'INVALID',
      code: 'HEADER_DIFFERS',
      message:
        `metadata.command_id is '${commandId}', the header x-command-id '${other}'; ` +
        'where both are there they have to be the same',
      fields: [{ field: 'metadata.command_id' }, { field: 'x-command-id' }],
    });
    const within = callOf(alice, { ...headers, 'x-correlation-id': 'import 8' });
    expect(await bus.send(OpenPortfolioCommandSchema, command, within)).toMatchObject({
      code: 'HEADER_DIFFERS',
      fields: [{ field: 'metadata.correlation_id' }, { field: 'x-correlation-id' }],
    });
  });

  test('with another payload is refused, stored or under way', async () => {
    const bus = startBus(store);
    const { aggregateId } = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio()));
    const commandId = randomUUID();
    const [first, other] = await Promise.all([
      bus.send(DepositCashCommandSchema, deposit(aggregateId, '5', commandId)),
      bus.send(DepositCashCommandSchema, deposit(aggregateId, '6', commandId)),
    ]);
    accepted(first);
    expect(codeOf(other)).toBe('COMMAND_ID_REUSED');
    const later = deposit(aggregateId, '5.0', commandId);
    expect(codeOf(await bus.send(DepositCashCommandSchema, later))).toBe('COMMAND_ID_REUSED');
    const withdrawal = deposit(aggregateId, '5', commandId);
    expect(codeOf(await bus.send(WithdrawCashCommandSchema, withdrawal))).toBe('COMMAND_ID_REUSED');
  });

  test('of another user with the same id is another command', async () => {
    const bus = startBus(store);
    const commandId = randomUUID();
    const his = { ...portfolio(commandId), userId: 'bob' };
    const mine = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio(commandId)));
    const other = accepted(await bus.send(OpenPortfolioCommandSchema, his, bob));
    expect(other.aggregateId).not.toBe(mine.aggregateId);
    expect(other.repeated).toBe(false);
  });
});

describe('many at once', () => {
  test('on one portfolio, on two servers: each takes effect once or is refused; the sum is right', async () => {
    const buses = [startBus(store), startBus(store)] as const;
    const opened = accepted(await buses[0].send(OpenPortfolioCommandSchema, portfolio()));
    const id = opened.aggregateId;
    accepted(await buses[0].send(DepositCashCommandSchema, deposit(id, '100')));
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        const bus = buses[i % 2 === 0 ? 0 : 1];
        const schema = i % 4 < 2 ? WithdrawCashCommandSchema : DepositCashCommandSchema;
        const outcome = await bus.send(schema, deposit(id, '7'));
        return { change: schema === WithdrawCashCommandSchema ? -7 : 7, code: codeOf(outcome) };
      }),
    );
    const codes = new Set(outcomes.map(({ code }) => code));
    codes.delete(undefined);
    codes.delete('INSUFFICIENT_CASH');
    expect([...codes]).toEqual([]);
    const sum = outcomes.reduce((cash, { change, code }) => cash + (code ? 0 : change), 100);
    const events = await eventsOf(opened.stream);
    expect(events.at(-1)?.data.cash).toBe(String(sum));
    expect(events).toHaveLength(2 + outcomes.filter(({ code }) => code === undefined).length);
  });

  test('the same id on two servers at once: one takes effect, a repeat is told, another payload refused', async () => {
    const [one, two] = [startBus(store), startBus(store)];
    const opened = accepted(await one.send(OpenPortfolioCommandSchema, portfolio()));
    const id = opened.aggregateId;
    accepted(await two.send(DepositCashCommandSchema, deposit(id, '1')));
    for (let round = 0; round < 40; round += 1) {
      const commandId = randomUUID();
      const differs = round % 2 === 0;
      const outcomes = await Promise.all([
        one.send(DepositCashCommandSchema, deposit(id, '3', commandId)),
        two.send(DepositCashCommandSchema, deposit(id, differs ? '500' : '3', commandId)),
      ]);
      const seen = outcomes.map((outcome) => codeOf(outcome) ?? accepted(outcome).repeated);
      expect(new Set(seen)).toEqual(new Set([false, differs ? 'COMMAND_ID_REUSED' : true]));
    }
    const events = await eventsOf(opened.stream);
    expect(events).toHaveLength(42);
    const amounts = events.slice(1).map(({ data }) => Number(data.amount));
    const sums = amounts.map((_, at) => amounts.slice(0, at + 1).reduce((a, b) => a + b));
    expect(events.slice(1).map(({ data }) => Number(data.cash))).toEqual(sums);
  });

  test('a refusal rests on what the log has, not on what this server remembers', async () => {
    const [one, two] = [startBus(store), startBus(store)];
    const opened = accepted(await one.send(OpenPortfolioCommandSchema, portfolio()));
    const id = opened.aggregateId;
    expect(codeOf(await two.send(WithdrawCashCommandSchema, deposit(id, '5')))).toBe(
      'INSUFFICIENT_CASH',
    );
    accepted(await one.send(DepositCashCommandSchema, deposit(id, '5')));
    accepted(await two.send(WithdrawCashCommandSchema, deposit(id, '5')));
  });
});

describe('who may', () => {
  test('nobody without a principal, nor with another role, nor for another owner', async () => {
    const bus = startBus(store);
    const nobody = callOf(undefined);
    const send = (by: Parameters<typeof bus.send>[2]) =>
      bus.send(OpenPortfolioCommandSchema, portfolio(), by);
    expect(codeOf(await send(nobody))).toBe('UNAUTHENTICATED');
    expect(codeOf(await send({ subject: 'alice', roles: ['analyst'] }))).toBe('ROLE_MISSING');
    expect(codeOf(await send(bob))).toBe('NOT_THE_OWNER');
    accepted(await send(admin));
  });

  test("another's record is refused in the words for one that is not there", async () => {
    const bus = startBus(store);
    const { aggregateId } = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio()));
    const absent = randomUUID();
    const foreign = await bus.send(DepositCashCommandSchema, deposit(aggregateId, '5'), bob);
    const missing = await bus.send(DepositCashCommandSchema, deposit(absent, '5'), bob);
    expect(JSON.stringify(foreign).replaceAll(aggregateId, absent)).toBe(JSON.stringify(missing));
    for (const portfolioId of [aggregateId, absent]) {
      const command = { ...deposit(portfolioId, '5'), metadata: { expectedRevision: 5n } };
      expect(codeOf(await bus.send(DepositCashCommandSchema, command, bob))).toBe(
        'PORTFOLIO_NOT_FOUND',
      );
    }
    expect(codeOf(foreign)).toBe('PORTFOLIO_NOT_FOUND');
    accepted(await bus.send(DepositCashCommandSchema, deposit(aggregateId, '5'), admin));
  });

  test("a command id that was used on another's record tells nothing of it", async () => {
    const bus = startBus(store);
    const { aggregateId } = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio()));
    const command = deposit(aggregateId, '5');
    accepted(await bus.send(DepositCashCommandSchema, command));
    expect(codeOf(await bus.send(DepositCashCommandSchema, command, bob))).toBe(
      'PORTFOLIO_NOT_FOUND',
    );
  });
});

describe('refusals', () => {
  test('name field, value and rule, and are recorded with their reason', async () => {
    const bus = startBus(store);
    const commandId = randomUUID();
    const command = { ...deposit(randomUUID(), '1e3'), metadata: { commandId } };
    const refusal = await bus.send(DepositCashCommandSchema, command);
    expect(refusal).toMatchObject({
      kind: 'INVALID',
      code: 'VALIDATION_FAILED',
      fields: [{ field: 'amount', rule: 'string.pattern' }],
    });
    expect(JSON.stringify(refusal)).toContain('1e3');
    await bus[Symbol.asyncDispose]();
    const recorded = (await eventsOf('refusals-all')).find((e) => e.data.commandId === commandId);
    expect(recorded?.data).toMatchObject({
      commandType: 'cipherhorizon.trading.v1.DepositCashCommand',
      actor: 'alice',
      code: 'VALIDATION_FAILED',
      stream: `portfolio-${command.portfolioId}`,
      command: { portfolioId: command.portfolioId, amount: '1e3' },
    });
  });

  test('beyond the rate are counted, and beyond the size forgotten, oldest first', async () => {
    const path = join(folder, 'refusals.db');
    await using own = createSqliteEventLog({ path });
    const bus = startBus(own, {
      refusalsPerSecond: 5,
      refusalsKept: 8,
      now: () => 1_700_000_000_000,
    });
    for (let i = 0; i < 30; i += 1) {
      await bus.send(DepositCashCommandSchema, deposit(randomUUID(), 'x'));
    }
    await bus[Symbol.asyncDispose]();
    const kept: RecordedEvent[] = [];
    for await (const event of own.read('refusals-all')) kept.push(event);
    expect(kept.length).toBeLessThanOrEqual(11);
    const counted = kept.filter((event) => event.type.endsWith('RefusalsOmitted'));
    expect(counted.reduce((sum, event) => sum + Number(event.data.count), 0)).toBe(20);
  });
});

describe('waiting for views', () => {
  const views = (at: () => Position) => ({ names: ['a', 'b'], positionOf: async () => at() });
  const wish = (timeoutMs: number, names: string[] = []) => ({
    synchronisation: {
      mode: SynchronisationMode.IMMEDIATE,
      views: names,
      timeout: { seconds: 0n, nanos: timeoutMs * 1e6 },
    },
  });

  test('IMMEDIATE answers when the views have applied the events', async () => {
    let at = start;
    const bus = startBus(store, { views: views(() => at) });
    const sent = bus.send(OpenPortfolioCommandSchema, { ...portfolio(), metadata: wish(900) });
    const waiting = await Promise.race([sent, new Promise((r) => setTimeout(r, 50, 'waiting'))]);
    expect(waiting).toBe('waiting');
    at = position(2n ** 60n);
    expect(accepted(await sent).viewsBehind).toEqual([]);
  });

  test('past the limit the receipt says which views are behind; the command has succeeded', async () => {
    const bus = startBus(store, { views: views(() => start) });
    const metadata = wish(20, ['b']);
    const receipt = accepted(
      await bus.send(OpenPortfolioCommandSchema, { ...portfolio(), metadata }),
    );
    expect(receipt.viewsBehind).toEqual(['b']);
    expect(await eventsOf(receipt.stream)).toHaveLength(1);
  });

  test('what is configured holds unless the command says otherwise', async () => {
    const bus = startBus(store, { views: views(() => start), immediateViews: ['a'] });
    const metadata = (mode: SynchronisationMode) => ({
      synchronisation: { mode, timeout: { seconds: 0n, nanos: 1e6 } },
    });
    const send = async (mode: SynchronisationMode) =>
      accepted(
        await bus.send(OpenPortfolioCommandSchema, { ...portfolio(), metadata: metadata(mode) }),
      );
    expect((await send(SynchronisationMode.UNSPECIFIED)).viewsBehind).toEqual(['a']);
    expect((await send(SynchronisationMode.EVENTUAL)).viewsBehind).toEqual([]);
  });

  test('a view that is not there is refused before anything is stored', async () => {
    const bus = startBus(store, { views: views(() => start) });
    const commandId = randomUUID();
    const metadata = { ...wish(20, ['c']), commandId };
    expect(codeOf(await bus.send(OpenPortfolioCommandSchema, { ...portfolio(), metadata }))).toBe(
      'VIEW_UNKNOWN',
    );
    const stored = accepted(await bus.send(OpenPortfolioCommandSchema, portfolio(commandId)));
    expect(stored.repeated).toBe(false);
  });
});
