import { expect, test } from '@jest/globals';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import {
  answered,
  listStrategies,
  refused,
  startQueryBus,
  strategies,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { away, createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;
const mine = { userId: 'alice' };

function start(documents = 0) {
  const readModels = createReadModelsInMemory();
  for (let i = 1; i <= documents; i++) {
    const name = `Strategy ${String(i).padStart(4, '0')}`;
    readModels.apply(strategies, i, uuid(i), { userId: 'alice', name });
  }
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([listStrategies]) }];
  return { readModels, ...startQueryBus({ contexts, readModels }) };
}

test('a page has 50 items unless its size is named', async () => {
  const { ask } = start(60);
  expect(answered(await ask(method.listStrategies, mine)).strategies).toHaveLength(50);
  const page = { pageSize: 7 };
  const answer = answered(await ask(method.listStrategies, { ...mine, page }));
  expect(answer.strategies).toHaveLength(7);
});

test('a page larger than 500 is refused', async () => {
  const { ask } = start();
  const page = { pageSize: 501 };
  expect(refused(await ask(method.listStrategies, { ...mine, page }))).toMatchObject({
    code: 'VALIDATION_FAILED',
    fields: [{ field: 'page.page_size' }],
  });
});

test('the cursor of a page leads to the next, to the last one', async () => {
  const { ask } = start(12);
  const names: string[] = [];
  let cursor = '';
  do {
    const page = { pageSize: 5, cursor };
    const answer = answered(await ask(method.listStrategies, { ...mine, page }));
    names.push(...answer.strategies.map(({ strategyName }) => strategyName));
    cursor = answer.page?.nextCursor ?? '';
  } while (cursor !== '');
  expect(names).toHaveLength(12);
  expect(new Set(names).size).toBe(12);
});

test('a cursor that is damaged or of another question is named with its field', async () => {
  const { ask } = start(12);
  const first = answered(await ask(method.listStrategies, { ...mine, page: { pageSize: 5 } }));
  const cursor = first.page?.nextCursor ?? '';
  const refusal = {
    rejected: true,
    kind: 'INVALID',
    code: 'CURSOR_INVALID',
    message: 'the cursor is damaged, or belongs to another question',
    fields: [
      {
        field: 'page.cursor',
        rule: 'CURSOR_INVALID',
        message: 'the cursor is damaged, or belongs to another question',
      },
    ],
  };
  const damaged = { ...mine, page: { cursor: 'x' } };
  expect(refused(await ask(method.listStrategies, damaged))).toEqual(refusal);
  const other = { ...mine, descending: true, page: { cursor } };
  expect(refused(await ask(method.listStrategies, other))).toEqual(refusal);
});

test('a view that is away is named; its file is for the log alone', async () => {
  const { ask, readModels, lines } = start(1);
  readModels.away(strategies, away);
  const refusal = refused(await ask(method.listStrategies, mine));
  expect(refusal).toEqual({
    rejected: true,
    kind: 'UNAVAILABLE',
    code: 'VIEW_UNAVAILABLE',
    message: "the view 'trading_strategies' cannot be read at the moment",
    details: { view: 'trading_strategies' },
  });
  expect(lines.some(({ level }) => level === 'warn')).toBe(true);
  readModels.away(strategies, undefined);
  answered(await ask(method.listStrategies, mine));
});

test('a fault that does not pass is an exception', async () => {
  const { ask, readModels, observed } = start(1);
  readModels.away(strategies, new StoreFault('STORE_CORRUPT', 'the file is damaged'));
  await expect(ask(method.listStrategies, mine)).rejects.toThrow('the file is damaged');
  expect(observed).toEqual(['ListStrategiesQuery FAILED']);
});
