import { expect, test } from '@jest/globals';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, reject } from '../../../src/kernel/rejection.ts';
import { defineRun, type Running } from '../../../src/read/kit.ts';
import {
  alice,
  bob,
  callOf,
  refused,
  startQueryBus,
  strategies,
  strategyRecord,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { watchStrategy } = TradingQueryService.method;

const named = (strategyName: string) => ({ strategy: { strategyName } });

function start(run: Running<typeof watchStrategy>, runs = 8) {
  const readModels = createReadModelsInMemory();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'One' });
  const handler = defineRun({
    ...{ method: watchStrategy, views: [strategies], record: strategyRecord, run },
  });
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([handler]) }];
  const bus = startQueryBus({ contexts, readModels, limits: { runs } });
  const caller = new AbortController();
  const by = (principal = alice) =>
    bus.watch(
      watchStrategy,
      { strategyId: uuid(1) },
      callOf(principal, {}, { signal: caller.signal }),
    );
  return { ...bus, caller, by };
}

async function all(answers: ReturnType<ReturnType<typeof start>['by']>) {
  const items: string[] = [];
  for (;;) {
    const { done, value } = await answers.next();
    if (done) return items;
    items.push(isRejection(value) ? value.code : (value.strategy?.strategyName ?? ''));
    if (!isRejection(value)) expect(value.freshness).toBeDefined();
  }
}

test('a run answers piece by piece, and ends by itself', async () => {
  const { by, observed } = start(async function* (_query, _context, found) {
    yield undefined;
    yield named(String(found?.document.name));
    yield undefined;
    yield named('two');
  });
  expect(await all(by())).toEqual(['One', 'two']);
  expect(observed).toEqual(['WatchStrategyQuery answered']);
});

test('others have their turn between two pieces', async () => {
  const { by } = start(async function* () {
    for (let at = 0; at < 3; at += 1) {
      yield named(String(at));
      yield undefined;
    }
  });
  let turns = 0;
  const counting = { on: true };
  const count = () => {
    turns += 1;
    if (counting.on) setImmediate(count);
  };
  setImmediate(count);
  await all(by());
  counting.on = false;
  expect(turns).toBeGreaterThanOrEqual(3);
});

test('a refusal is its first answer, or its last', async () => {
  const no = reject('PRECONDITION', 'NOT_NOW', 'not now');
  const first = start(async function* () {
    yield no;
    yield named('never');
  });
  expect(await all(first.by())).toEqual(['NOT_NOW']);
  expect(first.observed).toEqual(['WatchStrategyQuery NOT_NOW']);
  const last = start(async function* () {
    yield named('one');
    yield no;
    yield named('never');
  });
  expect(await all(last.by())).toEqual(['one', 'NOT_NOW']);
});

test('when its caller goes, it ends where it is, and cleans up', async () => {
  const seen: string[] = [];
  const { by, caller } = start(async function* () {
    try {
      for (let at = 0; ; at += 1) {
        seen.push(`piece ${at}`);
        yield at === 0 ? named('first') : undefined;
      }
    } finally {
      seen.push('over');
    }
  });
  const answers = by();
  await answers.next();
  setImmediate(() => setImmediate(() => caller.abort()));
  expect((await answers.next()).done).toBe(true);
  expect(seen.at(-1)).toBe('over');
});

test('a record of somebody else is not there', async () => {
  const { by } = start(async function* () {
    yield named('never');
  });
  expect(await all(by(bob))).toEqual(['STRATEGY_NOT_FOUND']);
});

test('no more than so many run at once, and a place is free again behind each', async () => {
  const { by } = start(async function* () {
    yield named('one');
    yield named('two');
  }, 1);
  const first = by();
  await first.next();
  expect(refused((await by().next()).value).kind).toBe('OVERLOADED');
  await first.return?.();
  expect(await all(by())).toEqual(['one', 'two']);
});
