import { expect, test } from '@jest/globals';
import {
  TradingQueryService,
  type WatchStrategyAnswer,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, type Rejection } from '../../../src/kernel/rejection.ts';
import { toToken } from '../../../src/kernel/token.ts';
import { defineQuery } from '../../../src/read/kit.ts';
import type { QueryLimits } from '../../../src/read/query-bus.ts';
import {
  alice,
  answered,
  bob,
  callOf,
  portfolios,
  refused,
  startQueryBus,
  strategies,
  strategyRecord,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { at, away, createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;
const query = { strategyId: uuid(1) };

const watchStrategy = defineQuery({
  method: method.watchStrategy,
  views: [portfolios, strategies],
  record: strategyRecord,
  answer: async (_query, _context, found) => ({
    strategy: { strategyName: String(found?.document.name) },
  }),
});

function start(limits: Partial<QueryLimits> = {}) {
  const readModels = createReadModelsInMemory();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'One' });
  readModels.apply(portfolios, 100);
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([watchStrategy]) }];
  const bus = startQueryBus({
    contexts,
    readModels,
    limits: { watchEveryMs: 1, ...limits },
  });
  const caller = new AbortController();
  const by = (principal = alice) =>
    bus.watch(method.watchStrategy, query, callOf(principal, {}, { signal: caller.signal }));
  return { ...bus, readModels, caller, by };
}

type Item = IteratorResult<WatchStrategyAnswer | Rejection>;

function nameIn({ value }: Item): string | undefined {
  return answered(value as WatchStrategyAnswer | Rejection).strategy?.strategyName;
}

test('it answers now, and again when the answer is another one', async () => {
  const { by, readModels, caller } = start();
  const answers = by();
  const first = await answers.next();
  expect(nameIn(first)).toBe('One');
  expect((first.value as WatchStrategyAnswer).freshness?.token).toBe(toToken(at(1)));
  const next = answers.next();
  readModels.apply(strategies, 2, uuid(1), { userId: 'alice', name: 'Two' });
  const second = await next;
  expect(nameIn(second)).toBe('Two');
  expect((second.value as WatchStrategyAnswer).freshness?.token).toBe(toToken(at(2)));
  caller.abort();
  expect(await answers.next()).toEqual({ done: true, value: undefined });
});

test('a move that changes nothing is not told', async () => {
  const { by, readModels, caller } = start();
  const answers = by();
  await answers.next();
  const next = answers.next();
  readModels.apply(strategies, 2, uuid(2), { userId: 'alice', name: 'Another' });
  while (readModels.reads.filter((read) => read.startsWith('get')).length < 2) await turn();
  readModels.apply(strategies, 3, uuid(1), { userId: 'alice', name: 'Three' });
  expect(nameIn(await next)).toBe('Three');
  caller.abort();
});

test('a slow consumer gets the last state', async () => {
  const { by, readModels, caller } = start();
  const answers = by();
  await answers.next();
  for (const commit of [2, 3, 4]) {
    readModels.apply(strategies, commit, uuid(1), { userId: 'alice', name: `At ${commit}` });
  }
  expect(nameIn(await answers.next())).toBe('At 4');
  caller.abort();
});

test('it ends when its caller is gone, also while it waits, and nobody asks any more', async () => {
  const { by, readModels, caller } = start();
  const answers = by();
  await answers.next();
  const next = answers.next();
  await turn();
  caller.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(readModels.reads.filter((read) => read.startsWith('get'))).toHaveLength(1);
  const { length } = readModels.reads;
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(readModels.reads).toHaveLength(length);
});

test.each<[string, { userId: string; name: string } | undefined]>([
  ['is gone', undefined],
  ['becomes another’s', { userId: 'bob', name: 'One' }],
])('it ends as not found when the record %s', async (_what, document) => {
  const { by, readModels } = start();
  const answers = by();
  await answers.next();
  readModels.apply(strategies, 2, uuid(1), document);
  const last = await answers.next();
  expect(refused(last.value).code).toBe('STRATEGY_NOT_FOUND');
  expect(await answers.next()).toEqual({ done: true, value: undefined });
});

test('another’s record is not there to watch either', async () => {
  const { by } = start();
  const answers = by(bob);
  expect(refused((await answers.next()).value).code).toBe('STRATEGY_NOT_FOUND');
  expect((await answers.next()).done).toBe(true);
});

test('a view that goes away ends it with a word', async () => {
  const { by, readModels } = start();
  const answers = by();
  await answers.next();
  readModels.away(strategies, away);
  const last = await answers.next();
  expect(isRejection(last.value) && last.value.code).toBe('VIEW_UNAVAILABLE');
  expect((await answers.next()).done).toBe(true);
});

test('what is repaired without a move is told after a while', async () => {
  const { by, readModels, caller } = start({ maxAgeMs: 5 });
  const answers = by();
  await answers.next();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'Repaired' });
  expect(nameIn(await answers.next())).toBe('Repaired');
  caller.abort();
});

test('watches of the same view share the asking', async () => {
  const { by, readModels, caller } = start();
  const watches = Array.from({ length: 30 }, () => by());
  for (const answers of watches) await answers.next();
  const nexts = watches.map((answers) => answers.next());
  for (let i = 0; i < 10; i++) await turn();
  readModels.reads.length = 0;
  while (readModels.reads.length < 3) await turn();
  expect(readModels.reads.length).toBeLessThan(30);
  caller.abort();
  for (const next of nexts) expect((await next).done).toBe(true);
});

test('it counts with its first answer', async () => {
  const { by, observed, caller } = start();
  const answers = by();
  await answers.next();
  expect(observed).toEqual(['WatchStrategyQuery answered']);
  caller.abort();
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
