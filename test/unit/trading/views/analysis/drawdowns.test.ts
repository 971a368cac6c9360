import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import {
  AnalysisQueryService,
  EpisodeSort,
  type ListDrawdownEpisodesQuerySchema,
} from '../../../../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClass } from '../../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { dayText } from '../../../../../src/trading/views/days.ts';
import {
  analysisReads,
  buyAndHold,
  engines,
  portfolioId,
  type Story,
} from '../../../../support/analysis-read.ts';
import { fixtureRows, type SeriesRow } from '../../../../support/measures-rows.ts';
import { answered, bob, callOf, refused } from '../../../../support/query-bus.ts';
import { sharedData } from '../../../../support/shared-data.ts';
import { createStory, dayNumber } from '../../../../support/trading-events.ts';

const { listDrawdownEpisodes } = AnalysisQueryService.method;
const start = analysisReads();

async function read(story: Story, engine: (typeof engines)[number] = 'memory') {
  const ask = await start(engine, story);
  return async (more: MessageInitShape<typeof ListDrawdownEpisodesQuerySchema> = {}) =>
    answered(await ask(listDrawdownEpisodes, { portfolioId, ...more }));
}

/** All in one instrument, at a close a day from 2024-01-01 on; some days may have none. */
function held(closes: readonly string[], assetClass: AssetClass = AssetClass.CRYPTO) {
  const story = createStory();
  story.instrument('BTC-USD', { assetClass });
  const day = (at: number) => `2024-01-${String(at + 1).padStart(2, '0')}`;
  const known = closes.flatMap((close, at) => (close === '' ? [] : [[day(at), close] as const]));
  story.candles('BTC-USD', known);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2024-01-01T00:00:00Z');
  const order = { quantity: '10', price: closes[0] ?? '', assetClass };
  portfolio.buy('BTC-USD', '2024-01-01T00:00:00Z', order);
  return { story, portfolio };
}

describe.each(engines)('episodes of drawdown, in %s', (engine) => {
  const closes = ['100', '90', '95', '100', '110', '55', '88', '77'];

  test('each from its peak down, and back where it came so far', async () => {
    const ask = await read(held(closes).story, engine);
    expect(await ask()).toMatchObject({
      ...{ from: '2024-01-01', to: '2024-01-08', total: 2, page: { nextCursor: '' } },
      dailyReturnMethod: 'FROM_END_OF_FIRST_DAY_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
      episodes: [
        {
          ...{ peakDate: '2024-01-01', troughDate: '2024-01-02', recoveryDate: '2024-01-04' },
          ...{ depth: expect.closeTo(-0.1, 12), lengthDays: 3, declineDays: 1, recoveryDays: 2 },
        },
        {
          ...{ peakDate: '2024-01-05', troughDate: '2024-01-06', recoveryDate: '' },
          ...{ depth: expect.closeTo(-0.5, 12), lengthDays: 3, declineDays: 1, recoveryDays: 2 },
        },
      ],
      maximumDrawdown: { value: expect.closeTo(-0.5, 12), peakDate: '2024-01-05' },
      currentDrawdown: {
        value: expect.closeTo(-0.3, 12),
        method: 'BELOW_RUNNING_MAXIMUM_AT_END',
      },
    });
  });

  test('a withdrawal is no fall, and a deposit brings nothing back', async () => {
    const { story, portfolio } = held(['100', '100', '90', '90', '90']);
    portfolio.deposit('500', '2024-01-01T02:00:00Z');
    portfolio.withdraw('500', '2024-01-02T00:00:00Z');
    portfolio.deposit('5000', '2024-01-04T00:00:00Z');
    const ask = await read(story, engine);
    const { episodes } = await ask();
    expect(episodes).toMatchObject([{ peakDate: '2024-01-02', recoveryDate: '' }]);
  });

  test('deepest or longest first, without the shallow ones, a page at a time', async () => {
    const ask = await read(held(closes).story, engine);
    const deepest = await ask({ sort: EpisodeSort.DEPTH, page: { pageSize: 1 } });
    expect(deepest.episodes).toMatchObject([{ troughDate: '2024-01-06' }]);
    const cursor = deepest.page?.nextCursor ?? '';
    const next = await ask({ sort: EpisodeSort.DEPTH, page: { pageSize: 1, cursor } });
    expect(next).toMatchObject({
      episodes: [{ troughDate: '2024-01-02' }],
      page: { nextCursor: '' },
    });
    const longest = await ask({ sort: EpisodeSort.LENGTH });
    expect(longest.episodes.map(({ lengthDays }) => lengthDays)).toEqual([3, 3]);
    expect(await ask({ leastDepth: '0.2' })).toMatchObject({
      ...{ total: 1, episodes: [{ troughDate: '2024-01-06' }] },
    });
  });
});

test('the deepest one of 1 BTC in 2016 and 2017 is that of the oracle', async () => {
  const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
  const ask = await read(buyAndHold());
  const period = { from: '2016-01-01', to: '2017-12-31' };
  const { episodes, maximumDrawdown, total } = await ask({ ...period, sort: EpisodeSort.DEPTH });
  expect(episodes[0]).toMatchObject({
    ...{ peakDate: oracle.mdd_peak, troughDate: oracle.mdd_trough, recoveryDate: '2017-08-05' },
    ...{ depth: expect.closeTo(oracle.max_drawdown, 9), lengthDays: 55 },
  });
  expect(maximumDrawdown?.value).toBe(episodes[0]?.depth);
  expect(total).toBe(episodes.length);
});

type Row = SeriesRow & { readonly episodes: readonly { readonly peakDate: string }[] };

const rows = fixtureRows<Row>('series').filter(({ returns }) => returns.length > 0);

test.each(rows)('against numpy: $name', async ({ returns, episodes, measures }) => {
  const first = dayNumber('2021-01-01');
  const story = createStory();
  story.instrument('BTC-USD');
  let price = 1000;
  const closes = returns.map((value, at) => {
    price *= 1 + value;
    return [dayText(first + at + 1), price.toFixed(15)] as const;
  });
  story.candles('BTC-USD', [['2021-01-01', '1000'], ...closes]);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2021-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2021-01-01T01:00:00Z', { quantity: '1', price: '1000' });
  const ask = await read(story);
  const found = await ask({ page: { pageSize: 500 } });
  // Of a portfolio that has lost all, the days behind have no return, and the last one is that day.
  const lost = returns.includes(-1);
  const expected = episodes.map((episode) => ({
    ...episode,
    recoveryDate: '',
    ...('recoveryDate' in episode && { recoveryDate: episode.recoveryDate }),
  }));
  expect(found.episodes).toHaveLength(expected.length);
  for (const [at, { $typeName: _, depth, ...dates }] of found.episodes.entries()) {
    const { depth: figure, ...other } = expected[at] as unknown as { depth: number };
    expect(Math.abs(depth - figure)).toBeLessThanOrEqual(1e-9 * Math.abs(figure) + 1e-13);
    if (!lost) expect(dates).toEqual(other);
  }
  const deepest = measures.maximumDrawdown ?? 0;
  expect(found.maximumDrawdown?.value).toBeCloseTo(deepest, 12);
});

test('of a market that closes, the days are those on which it is open', async () => {
  const { story } = held(['100', '', '90', '100'], AssetClass.EQUITY);
  const ask = await read(story);
  expect((await ask()).episodes).toMatchObject([
    { peakDate: '2024-01-01', troughDate: '2024-01-03', recoveryDate: '2024-01-04' },
  ]);
});

test('without returns the measures are undefined, and say why', async () => {
  const story = createStory();
  story.portfolio(portfolioId);
  const ask = await read(story);
  expect(await ask()).toMatchObject({
    ...{ episodes: [], total: 0 },
    maximumDrawdown: { undefinedReason: 'NO_RETURNS' },
    currentDrawdown: { undefinedReason: 'NO_RETURNS' },
  });
});

test('is for its owner; a cursor that is none is refused', async () => {
  const ask = await start('memory', buyAndHold());
  const foreign = await ask(listDrawdownEpisodes, { portfolioId }, callOf(bob));
  expect(refused(foreign)).toMatchObject({ code: 'PORTFOLIO_NOT_FOUND' });
  const page = { cursor: 'a1.zzzz' };
  const wrong = await ask(listDrawdownEpisodes, { portfolioId, page });
  expect(refused(wrong)).toMatchObject({ code: 'CURSOR_INVALID' });
});
