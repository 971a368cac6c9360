import { expect, test } from '@jest/globals';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { start as startOfLog } from '../../../src/kernel/position.ts';
import { toToken } from '../../../src/kernel/token.ts';
import { defineQuery } from '../../../src/read/kit.ts';
import type { QueryLimits } from '../../../src/read/query-bus.ts';
import {
  alice,
  answered,
  callOf,
  listStrategies,
  portfolios,
  refused,
  startQueryBus,
  strategies,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { at, createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;
const mine = { userId: 'alice' };

/** Lists portfolios, and rests on two views. */
const listPortfolios = defineQuery({
  method: method.listPortfolios,
  views: [portfolios, strategies],
  answer: async (_query, { reader, page }) => {
    const found = await reader.list(portfolios, { where: [], ...page });
    return { portfolios: found.items.map(({ id }) => ({ portfolioId: id })) };
  },
});

function start(
  options: { refreshes?: boolean; limits?: Partial<QueryLimits>; now?: () => number } = {},
) {
  const readModels = createReadModelsInMemory(options);
  const queries = tradingQueries([listStrategies, listPortfolios]);
  const contexts = [{ service: TradingQueryService, queries }];
  const { limits = {}, now = Date.now } = options;
  return { readModels, ...startQueryBus({ contexts, readModels, limits, now }) };
}

function patience(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

test('an answer says how fresh it is', async () => {
  const { ask, readModels } = start();
  readModels.apply(strategies, 7);
  const heard = { heartbeatAt: 2_000, parkedDocuments: 2 };
  readModels.tell(strategies, { asOf: 1500, lagSeconds: 0.25, lagEvents: 3, ...heard });
  const { freshness } = answered(await ask(method.listStrategies, mine));
  expect(freshness).toMatchObject({
    token: toToken(at(7)),
    asOf: { seconds: 1n, nanos: 500_000_000 },
    lagSeconds: 0.25,
    lagEvents: 3n,
    lagAsOf: { seconds: 2n, nanos: 0 },
    parkedDocuments: 2,
  });
});

test('an answer from nothing yet has no time, and no count that nobody knows', async () => {
  const { ask } = start();
  const { freshness } = answered(await ask(method.listStrategies, mine));
  expect(freshness).toMatchObject({ token: '', lagSeconds: 0 });
  expect([freshness?.asOf, freshness?.lagEvents]).toEqual([undefined, undefined]);
});

test('the freshness is that of the view that is furthest behind', async () => {
  const { ask, readModels } = start();
  readModels.apply(portfolios, 9);
  readModels.apply(strategies, 4);
  readModels.tell(strategies, { lagSeconds: 2 });
  const first = answered(await ask(method.listPortfolios, mine)).freshness;
  expect(first).toMatchObject({ token: toToken(at(4)), lagSeconds: 2 });
  readModels.apply(strategies, 12);
  const second = answered(await ask(method.listPortfolios, mine)).freshness;
  expect(second).toMatchObject({ token: toToken(at(9)), asOf: { seconds: 9n } });
});

test('how far the views are is read before their documents', async () => {
  const { ask, readModels } = start();
  answered(await ask(method.listPortfolios, mine));
  expect(readModels.reads).toEqual([
    'progress trading_portfolios',
    'progress trading_strategies',
    'list trading_portfolios',
  ]);
});

test.each(['field', 'header'])('a token in a %s is waited for', async (where) => {
  const { ask, readModels } = start();
  const token = toToken(at(5));
  const asking =
    where === 'field'
      ? ask(method.listStrategies, { ...mine, consistency: { atLeastAsFreshAs: token } })
      : ask(method.listStrategies, mine, callOf(alice, { 'x-consistency-token': token }));
  await polled(readModels.reads, 3);
  readModels.apply(strategies, 4);
  await polled(readModels.reads, 3);
  readModels.apply(strategies, 5, uuid(1), { userId: 'alice', name: 'Momentum' });
  const answer = answered(await asking);
  expect(answer.strategies.map(({ strategyName }) => strategyName)).toEqual(['Momentum']);
  expect(answer.freshness?.token).toBe(token);
});

test('all views of the query are waited for', async () => {
  const { ask, readModels } = start();
  readModels.apply(portfolios, 5);
  const asking = ask(method.listPortfolios, {
    ...mine,
    consistency: { atLeastAsFreshAs: toToken(at(5)) },
  });
  await polled(readModels.reads, 5);
  expect(readModels.reads).not.toContain('list trading_portfolios');
  readModels.apply(strategies, 6);
  expect(answered(await asking).freshness?.token).toBe(toToken(at(5)));
});

test('what the field and the header both say has to be the same', async () => {
  const { ask, readModels } = start();
  readModels.apply(strategies, 9);
  const consistency = { atLeastAsFreshAs: 'v1.9', patience: patience(50) };
  const query = { ...mine, consistency };
  const same = { 'x-consistency-token': 'v1.9', 'x-consistency-patience-ms': '50' };
  answered(await ask(method.listStrategies, query, callOf(alice, same)));
  readModels.reads.length = 0;
  const token = { ...same, 'x-consistency-token': 'v1.8' };
  const message =
    "consistency.at_least_as_fresh_as is 'v1.9', the header x-consistency-token 'v1.8'; " +
    'where both are there they have to be the same';
  expect(refused(await ask(method.listStrategies, query, callOf(alice, token)))).toMatchObject({
    kind: 'INVALID',
    code: 'HEADER_DIFFERS',
    message,
    fields: [
      { field: 'consistency.at_least_as_fresh_as', rule: 'HEADER_DIFFERS', message },
      { field: 'x-consistency-token', rule: 'HEADER_DIFFERS', message },
    ],
  });
  const late = { ...same, 'x-consistency-patience-ms': '60' };
  expect(refused(await ask(method.listStrategies, query, callOf(alice, late)))).toMatchObject({
    code: 'HEADER_DIFFERS',
    fields: [{ field: 'consistency.patience' }, { field: 'x-consistency-patience-ms' }],
  });
  expect(readModels.reads).toEqual([]);
});

test('when patience is over, the refusal says which view is how far behind', async () => {
  const { ask, readModels } = start({ now: () => 10_000 });
  readModels.apply(portfolios, 9);
  readModels.apply(strategies, 4);
  readModels.tell(strategies, { lagSeconds: 3.5, lagEvents: 12, heartbeatAt: 8_500 });
  const headers = {
    'x-consistency-token': toToken(at(9)),
    'x-consistency-patience-ms': '20',
  };
  expect(refused(await ask(method.listPortfolios, mine, callOf(alice, headers)))).toEqual({
    rejected: true,
    kind: 'UNAVAILABLE',
    code: 'NOT_FRESH_ENOUGH',
    message:
      "the view 'trading_strategies' has reached v1.4, not v1.9, within 20 ms; " +
      '1.5 s ago it was 3.5 s (12 events) behind the log',
    details: {
      view: 'trading_strategies',
      asked: 'v1.9',
      reached: 'v1.4',
      lag_seconds: '3.5',
      lag_events: '12',
    },
  });
});

test('a patience of zero asks once', async () => {
  const { ask, readModels } = start();
  const consistency = { atLeastAsFreshAs: toToken(at(1)), patience: patience(0) };
  expect(refused(await ask(method.listStrategies, { ...mine, consistency })).message).toBe(
    "the view 'trading_strategies' has reached nothing yet, not v1.1, within 0 ms; " +
      'nothing has been heard of its projector',
  );
  readModels.apply(strategies, 1);
  answered(await ask(method.listStrategies, { ...mine, consistency }));
});

test('a caller’s deadline ends the wait before the caller gives up', async () => {
  const { ask } = start();
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  const call = callOf(alice, {}, { deadlineMs: Date.now() + 60 });
  const refusal = refused(await ask(method.listStrategies, { ...mine, consistency }, call));
  expect(refusal.code).toBe('NOT_FRESH_ENOUGH');
  expect(refusal.message).toMatch(
    /not v1\.1, within the \d+ ms that the deadline of the call left of a patience of 5000 ms; /,
  );
});

test('a token beyond the end of the log is told as one', async () => {
  const { ask, readModels } = start({ now: () => 10_000 });
  readModels.apply(strategies, 4);
  const consistency = { atLeastAsFreshAs: 'v1.9', patience: patience(60) };
  const beyond = async (heartbeatAt: number, lagEvents: number) => {
    readModels.tell(strategies, { lagSeconds: 0, lagEvents, heartbeatAt: 0 });
    const asking = ask(method.listStrategies, { ...mine, consistency });
    readModels.tell(strategies, { heartbeatAt });
    return refused(await asking);
  };
  const told = await beyond(10_001, 0);
  expect(told.message).toBe(
    "the view 'trading_strategies' has reached v1.4, not v1.9, within 60 ms; it has applied all " +
      'of the log: the token lies beyond its end, as one of another log may',
  );
  expect(told.details).toMatchObject({ asked: 'v1.9', reached: 'v1.4', beyond_log: 'true' });
  // Before the wait it may have been true without the event of the token; with a lag it is not.
  for (const other of [await beyond(9_999, 0), await beyond(10_001, 1)]) {
    expect(other.message).not.toContain('beyond');
    expect(other.details).not.toHaveProperty('beyond_log');
  }
});

test('a call that is gone waits no longer, and nobody asks any more', async () => {
  const { ask, readModels } = start();
  const gone = new AbortController();
  const call = callOf(alice, {}, { signal: gone.signal });
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  const asking = ask(method.listStrategies, { ...mine, consistency }, call);
  await polled(readModels.reads, 2);
  gone.abort();
  expect(refused(await asking).code).toBe('NOT_FRESH_ENOUGH');
  const { length } = readModels.reads;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readModels.reads).toHaveLength(length);
});

test('those who wait for the same view share the asking', async () => {
  const { ask, readModels } = start();
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  const callers = 50;
  const asking = Array.from({ length: callers }, () =>
    ask(method.listStrategies, { ...mine, consistency }),
  );
  await polled(readModels.reads, callers);
  readModels.reads.length = 0;
  await polled(readModels.reads, 4);
  // One by one: alone they would have asked fifty times for each of these.
  expect(readModels.reads.length).toBeLessThan(callers);
  readModels.apply(strategies, 1);
  for (const outcome of await Promise.all(asking)) answered(outcome);
});

test('too many that wait are refused at once', async () => {
  const { ask, readModels } = start({ limits: { waiting: 1 } });
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  const first = ask(method.listStrategies, { ...mine, consistency });
  await polled(readModels.reads, 2);
  const second = refused(await ask(method.listStrategies, { ...mine, consistency }));
  expect(second).toMatchObject({ kind: 'OVERLOADED', code: 'TOO_MANY_WAITING' });
  readModels.apply(strategies, 1);
  answered(await first);
  const later = { atLeastAsFreshAs: toToken(at(2)) };
  const third = ask(method.listStrategies, { ...mine, consistency: later });
  await polled(readModels.reads, 2);
  readModels.apply(strategies, 2);
  answered(await third);
});

test('damaged tokens and patiences are named with their field', async () => {
  const { ask, readModels } = start();
  const field = { ...mine, consistency: { atLeastAsFreshAs: 'v1.!' } };
  expect(refused(await ask(method.listStrategies, field))).toMatchObject({
    kind: 'INVALID',
    code: 'TOKEN_INVALID',
    fields: [{ field: 'consistency.at_least_as_fresh_as' }],
  });
  const header = callOf(alice, { 'x-consistency-token': 'v2.1' });
  expect(refused(await ask(method.listStrategies, mine, header))).toMatchObject({
    code: 'TOKEN_INVALID',
    fields: [{ field: 'x-consistency-token' }],
  });
  for (const patience of ['soon', '-1', '30001', '1e3']) {
    const headers = { 'x-consistency-token': 'v1.1', 'x-consistency-patience-ms': patience };
    expect(refused(await ask(method.listStrategies, mine, callOf(alice, headers)))).toMatchObject({
      code: 'PATIENCE_INVALID',
      fields: [{ field: 'x-consistency-patience-ms' }],
    });
  }
  expect(readModels.reads).toEqual([]);
});

test('the token of an empty log is reached by every view', async () => {
  const { ask } = start();
  const consistency = { atLeastAsFreshAs: toToken(startOfLog) };
  answered(await ask(method.listStrategies, { ...mine, consistency }));
});

test('who knows of a write sees it in lists of an engine that shows writes late', async () => {
  const { ask, readModels } = start({ refreshes: true });
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'Momentum' });
  expect(answered(await ask(method.listStrategies, mine)).strategies).toEqual([]);
  expect(readModels.reads).not.toContain('refresh trading_strategies');
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  const answer = answered(await ask(method.listStrategies, { ...mine, consistency }));
  expect(answer.strategies).toHaveLength(1);
});

/** Until so many more reads have been made. */
async function polled(reads: readonly string[], more: number): Promise<void> {
  const enough = reads.length + more;
  while (reads.length < enough) await new Promise((resolve) => setTimeout(resolve, 1));
}
