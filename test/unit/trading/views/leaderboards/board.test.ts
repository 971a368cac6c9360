import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  LeaderboardMeasure as By,
  LeaderboardQueryService,
  LeaderboardWindow as Window,
} from '../../../../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { decimalOfDouble } from '../../../../../src/trading/views/leaderboards/double-text.ts';
import { openLeaderboardWorld } from '../../../../support/leaderboard-world.ts';
import {
  alice,
  analyst,
  bob,
  callOf,
  operator,
  refused,
  uuid,
} from '../../../../support/query-bus.ts';
import { temporaryFolder } from '../../../../support/temporary.ts';
import { createStory } from '../../../../support/trading-events.ts';

const root = temporaryFolder();
const { method } = LeaderboardQueryService;

/**
 * BTC goes from 100 up to 200, down to 150; each portfolio has 1000, and some of it in BTC. Two have
 * the same, one has cash alone, one is in euros, one has never had anything.
 */
function createBoard() {
  const story = createStory();
  story.instrument('BTC-USD');
  story.instrument('BTC-EUR');
  const open = (
    id: number,
    userId: string,
    portfolioName: string,
    units: string,
    currency = 'USD',
  ) => {
    const account = story.portfolio(uuid(id), { userId, portfolioName, baseCurrency: currency });
    account.deposit('1000', '2024-01-01T00:00:00Z');
    const order = { quantity: units, price: '100' };
    if (units !== '0') account.buy(`BTC-${currency}`, '2024-01-01T01:00:00Z', order);
    return account;
  };
  open(1, 'alice', 'Café Crème', '1');
  open(2, 'bob', 'Black coffee', '5');
  open(3, 'bob', 'Green tea', '2');
  open(4, 'carol', 'Mint tea', '2');
  open(5, 'carol', 'Water', '0').deposit('1', '2024-01-03T00:00:00Z');
  open(6, 'dora', 'Espresso', '10', 'EUR');
  story.portfolio(uuid(7), { userId: 'alice', portfolioName: 'Empty cup' });
  for (const id of ['BTC-USD', 'BTC-EUR']) {
    story.candles(id, [
      ['2024-01-01', '100'],
      ['2024-01-02', '200'],
      ['2024-01-03', '150'],
    ]);
  }
  return story;
}

let world: ReturnType<typeof openLeaderboardWorld>;
let projector: ReturnType<typeof world.startProjector>;

beforeAll(async () => {
  world = openLeaderboardWorld(mkdtempSync(join(root, 'b-')), createBoard());
  projector = world.startProjector();
  await world.tell();
});

afterAll(async () => {
  await projector[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const ranksOf = async (query: object, call = callOf(analyst)) =>
  (await world.board(query, call)).entries.map(
    ({ rank, portfolioName }) => `${rank} ${portfolioName}`,
  );
const refusal = async (query: object, call = callOf(analyst)) =>
  refused(await world.ask(method.listLeaderboard, query, call));

describe('a leaderboard', () => {
  test('has the best first, equal ones on the same rank, and how each figure comes about', async () => {
    const answer = await world.board({ filter: { baseCurrency: 'USD' } });
    expect(answer).toMatchObject({ ranked: 5n, days: 30, nameMatches: 0n });
    expect(answer.entries.map(({ rank, portfolioName }) => `${rank} ${portfolioName}`)).toEqual([
      '1 Black coffee',
      '2 Green tea',
      '2 Mint tea',
      '4 Café Crème',
      '5 Water',
    ]);
    expect(answer.entries[0]).toMatchObject({
      ...{ portfolioId: uuid(2), userId: 'bob', currency: 'USD' },
      ...{ from: '2024-01-01', asOf: '2024-01-03', dailyReturns: 2, annualisationFactor: 365 },
      ...{ profit: '250', closedTrades: 0 },
      timeWeightedReturn: { value: expect.closeTo(0.25, 12), method: expect.any(String) },
      maximumDrawdown: { value: expect.closeTo(-1 / 6, 12) },
      winRate: { undefinedReason: 'NO_TRADES', method: 'WINS_OVER_CLOSED_TRADES' },
    });
    expect(answer.entries[0]?.winRate?.value).toBe(undefined);
    expect(answer.freshness?.token).not.toBe('');
  });

  test('is sorted by each measure, from either end', async () => {
    const usd = { filter: { baseCurrency: 'USD' } };
    const byProfit = ['1 Black coffee', '2 Green tea', '2 Mint tea', '4 Café Crème', '5 Water'];
    expect(await ranksOf({ ...usd, sort: By.PROFIT })).toEqual(byProfit);
    expect(await ranksOf({ ...usd, sort: By.PROFIT, worstFirst: true })).toEqual([
      ...['5 Water', '4 Café Crème', '2 Green tea', '2 Mint tea', '1 Black coffee'],
    ]);
    // The smallest fall first.
    expect(await ranksOf({ ...usd, sort: By.MAXIMUM_DRAWDOWN })).toEqual([
      ...['1 Water', '2 Café Crème', '3 Green tea', '3 Mint tea', '5 Black coffee'],
    ]);
    // Cash has no Sharpe ratio, nobody a win rate.
    expect(await ranksOf({ ...usd, sort: By.SHARPE })).toHaveLength(4);
    expect(await ranksOf({ sort: By.WIN_RATE })).toEqual([]);
    const week = await world.board({ window: Window.LEADERBOARD_WINDOW_7_DAYS });
    expect(week).toMatchObject({ days: 7, ranked: 6n });
  });

  test('pages go on with the ranks', async () => {
    for (const worstFirst of [false, true]) {
      const whole = await ranksOf({ worstFirst });
      const seen: string[] = [];
      let cursor = '';
      do {
        const answer = await world.board({ worstFirst, page: { pageSize: 2, cursor } });
        seen.push(...answer.entries.map(({ rank, portfolioName }) => `${rank} ${portfolioName}`));
        cursor = answer.page?.nextCursor ?? '';
      } while (cursor !== '');
      expect(seen).toEqual(whole);
    }
  });

  test('minimum and maximum are included', async () => {
    const board = await world.board({ sort: By.MAXIMUM_DRAWDOWN });
    const falls = board.entries.map(({ maximumDrawdown }) => maximumDrawdown?.value ?? Number.NaN);
    const [, second = 0, third = 0] = [...new Set(falls)].sort((a, b) => b - a);
    const within = await world.board({ filter: { maximumDrawdown: { min: third, max: second } } });
    expect(within.entries.map(({ portfolioName }) => portfolioName)).toEqual([
      ...['Green tea', 'Mint tea', 'Café Crème'],
    ]);
    expect(within.ranked).toBe(3n);
    const filter = (more: object) => ranksOf({ filter: { baseCurrency: 'USD', ...more } });
    expect(await filter({ profit: { min: '100', max: '100.00' } })).toEqual([
      ...['1 Green tea', '1 Mint tea'],
    ]);
    expect(await filter({ timeWeightedReturn: { min: 0.2 } })).toEqual(['1 Black coffee']);
    expect(await filter({ sharpe: { min: -1e300, max: 1e300 } })).toHaveLength(4);
    expect(await filter({ winRate: { min: 0 } })).toEqual([]);
    expect(await filter({ minDailyReturns: 3 })).toEqual([]);
    expect(await filter({ minDailyReturns: 2 })).toHaveLength(5);
    expect(await filter({ asOfFrom: '2024-01-03' })).toHaveLength(5);
    expect(await filter({ asOfFrom: '2024-01-04' })).toEqual([]);
  });

  test('finds names that are nearly right, and ranks them among all', async () => {
    const found = await world.board({ name: 'cofee', filter: { baseCurrency: 'USD' } });
    expect(found.entries.map(({ rank, portfolioName }) => `${rank} ${portfolioName}`)).toEqual([
      '1 Black coffee',
    ]);
    expect(found).toMatchObject({ ranked: 5n, nameMatches: 1n });
    expect(await ranksOf({ name: 'creme', filter: { baseCurrency: 'USD' } })).toEqual([
      '4 Café Crème',
    ]);
    const tea = { name: 'tea', filter: { baseCurrency: 'USD' } };
    expect(await ranksOf(tea)).toEqual(['2 Green tea', '2 Mint tea']);
    expect(await ranksOf({ ...tea, worstFirst: true, page: { pageSize: 1 } })).toEqual([
      '2 Green tea',
    ]);
    const cursor = { ...tea, page: { cursor: 'abc' } };
    expect(await refusal(cursor)).toMatchObject({ code: 'CURSOR_INVALID' });
  });

  test('profits of several currencies are not compared', async () => {
    const sorted = await refusal({ sort: By.PROFIT });
    expect(sorted).toMatchObject({ code: 'CURRENCY_NEEDED' });
    expect(await refusal({ filter: { profit: { min: '1' } } })).toMatchObject({
      code: 'CURRENCY_NEEDED',
    });
    expect(await ranksOf({ sort: By.PROFIT, filter: { baseCurrency: 'EUR' } })).toEqual([
      '1 Espresso',
    ]);
    const range = { filter: { sharpe: { min: 2, max: 1 } } };
    expect(await refusal(range)).toMatchObject({ code: 'RANGE_INVALID' });
    const day = { filter: { asOfFrom: '2024-02-30' } };
    expect(await refusal(day)).toMatchObject({ code: 'PERIOD_INVALID' });
  });
});

describe('who sees a leaderboard', () => {
  test('everybody their own portfolios, and where they stand among all', async () => {
    expect(await ranksOf({ userId: 'alice' }, callOf(alice))).toEqual(['5 Café Crème']);
    expect(await ranksOf({ userId: 'bob' }, callOf(bob))).toEqual([
      '2 Black coffee',
      '3 Green tea',
    ]);
    const own = await world.board({ userId: 'bob', name: 'te' }, callOf(bob));
    expect(own.entries.map(({ portfolioName }) => portfolioName)).toEqual(['Green tea']);
    expect(own.nameMatches).toBe(1n);
  });

  test('nobody else those of others, of one user or of all', async () => {
    for (const query of [{}, { userId: 'bob' }, { name: 'tea' }]) {
      expect(await refusal(query, callOf(alice))).toMatchObject({ code: 'NOT_THE_OWNER' });
    }
    expect(await refusal({}, callOf(operator))).toMatchObject({ code: 'ROLE_MISSING' });
    expect(await ranksOf({ userId: 'carol' })).toEqual(['3 Mint tea', '6 Water']);
  });

  test('a filter tells a user nothing of the figures of others', async () => {
    const all = { userId: 'alice', filter: { baseCurrency: 'USD' } };
    const narrow = { ...all, filter: { ...all.filter, timeWeightedReturn: { min: 0, max: 0.12 } } };
    const [wide, filtered] = [
      await world.board(all, callOf(alice)),
      await world.board(narrow, callOf(alice)),
    ];
    expect(wide.ranked).toBe(5n);
    expect(filtered.ranked).toBe(5n);
    expect(filtered.entries.map(({ rank }) => rank)).toEqual([4n]);
  });
});

test('doubles are texts without an exponent, and the same doubles again', () => {
  for (const value of [0, 0.1, -1 / 3, 5e-7, -1.25e-9, 1e21, -1.5e22, 123456.789]) {
    const text = decimalOfDouble(value);
    expect(text).toMatch(/^-?\d+(\.\d+)?$/);
    expect(Number(text)).toBe(value);
  }
  expect([decimalOfDouble(-0), decimalOfDouble(1e-300), decimalOfDouble(-5e-324)]).toEqual([
    '0',
    '0',
    '0',
  ]);
});
