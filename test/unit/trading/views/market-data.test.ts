import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AssetClass,
  CandleInterval,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { candles } from '../../../../src/trading/views/candles/candles.ts';
import { dailyCloses } from '../../../../src/trading/views/candles/daily-closes.ts';
import { instruments } from '../../../../src/trading/views/instruments/instruments.ts';
import { project } from '../../../support/project.ts';
import { answered, callOf, operator, refused } from '../../../support/query-bus.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { createStory, dayMs, dayNumber } from '../../../support/trading-events.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = TradingQueryService;
const { CANDLE_INTERVAL_1M, CANDLE_INTERVAL_1H, CANDLE_INTERVAL_4H, CANDLE_INTERVAL_1D } =
  CandleInterval;
const folder = temporaryFolder();
const stop: (() => Promise<void>)[] = [];
const instrumentId = 'BTC-USD';
const at = (time: string) => timestampFromMs(Date.parse(time));
const seconds = (time: string) => Date.parse(time) / 1000;

afterEach(async () => {
  for (const end of stop.splice(0)) await end();
});

async function read(story: ReturnType<typeof createStory>) {
  const bus = await startTradingRead(folder, story.events);
  stop.push(() => bus[Symbol.asyncDispose]());
  return bus;
}

/** Candles from a day on, one for each step, with the number of the candle as its price. */
function numbered(from: string, count: number, step = dayMs, first = 1) {
  return Array.from({ length: count }, (_, n) => {
    const start = new Date(Date.parse(from) + n * step).toISOString();
    return [start, String(n + first)] as const;
  });
}

describe('candles', () => {
  test.each([
    ['by year', CANDLE_INTERVAL_1D, dayMs, 'BTC-USD', ['1D/2019', '1D/2020']],
    ['by month', CANDLE_INTERVAL_4H, dayMs / 6, 'BTC-USD', ['4H/2019-12', '4H/2020-01']],
    ['by month', CANDLE_INTERVAL_1H, dayMs / 24, 'A/1D/B', ['1H/2019-12', '1H/2020-01']],
    ['by day', CANDLE_INTERVAL_1M, dayMs / 1440, 'BTC-USD', ['1M/2019-12-31', '1M/2020-01-01']],
  ])('stand in documents %s', (_, interval, step, id, expected) => {
    const story = createStory();
    const from = new Date(Date.parse('2020-01-01') - 2 * step).toISOString();
    story.candles(id, numbered(from, 4, step), interval);
    const documents = project(candles, story.events);
    expect([...documents.keys()]).toEqual(expected.map((one) => `${one}/${id}`));
    const [before, after] = [...documents.values()];
    const row = (n: number) => {
      const price = String(n + 1);
      return [Date.parse(from) / 1000 + (n * step) / 1000, price, price, price, price, '1'];
    };
    expect(before).toMatchObject({ series: `${expected[0]?.slice(0, 2)}/${id}` });
    expect(before?.candles).toEqual([row(0), row(1)]);
    expect(after).toMatchObject({
      periodStart: Date.parse('2020-01-01'),
      candles: [row(2), row(3)],
    });
  });

  test('that fill a gap take their place', () => {
    const story = createStory();
    story.candles(instrumentId, [
      ['2020-01-01', '1'],
      ['2020-01-05', '5'],
    ]);
    story.candles(instrumentId, [
      ['2020-01-02', '2'],
      ['2020-01-07', '7'],
    ]);
    const rows = project(candles, story.events).get('1D/2020/BTC-USD')?.candles as string[][];
    expect(rows.map(([, , , , close]) => close)).toEqual(['1', '2', '5', '7']);
  });

  test('are listed by time, with what is missing among them', async () => {
    const story = createStory();
    story.instrument(instrumentId);
    story.candles(instrumentId, [
      ...numbered('2019-12-30', 3),
      ['2020-01-05', '9'],
      ['2022-03-01', '10'],
    ]);
    story.candles(instrumentId, [['2020-01-05T04:00:00Z', '8']], CANDLE_INTERVAL_4H);
    story.instrument('BTC-EUR');
    story.candles('BTC-EUR', [['2020-01-05', '7']]);
    const { ask } = await read(story);
    const list = async (more: object = {}) => {
      const query = { instrumentId, interval: CANDLE_INTERVAL_1D, ...more };
      return answered(await ask(method.listCandles, query));
    };
    const closes = async (more: object) => (await list(more)).candles.map(({ close }) => close);
    const all = await list();
    expect(all.candles.map(({ close }) => close)).toEqual(['1', '2', '3', '9', '10']);
    expect(all.candles[0]).toMatchObject({
      ...{ start: BigInt(seconds('2019-12-30')), open: '1', high: '1', low: '1', volume: '1' },
    });
    const gap = (first: string, last: string) => ({
      first: BigInt(seconds(first)),
      last: BigInt(seconds(last)),
    });
    expect(all.gaps).toMatchObject([
      gap('2020-01-02', '2020-01-04'),
      gap('2020-01-06', '2022-02-28'),
    ]);
    expect(await closes({ from: at('2019-12-31') })).toEqual(['2', '3', '9', '10']);
    expect(await closes({ from: at('2019-12-31T00:00:00.001Z') })).toEqual(['3', '9', '10']);
    expect(await closes({ until: at('2020-01-05') })).toEqual(['1', '2', '3']);
    expect(await closes({ until: at('2020-01-05T00:00:01Z') })).toEqual(['1', '2', '3', '9']);
    expect(await closes({ from: at('2020-06-01'), until: at('2022-01-01') })).toEqual([]);
    expect(await closes({ interval: CANDLE_INTERVAL_4H })).toEqual(['8']);
    expect(await closes({ interval: CANDLE_INTERVAL_1M })).toEqual([]);
    const refusal = refused(
      await ask(method.listCandles, {
        ...{ instrumentId, interval: CANDLE_INTERVAL_1D },
        ...{ from: at('2020-01-02'), until: at('2020-01-01') },
      }),
    );
    expect(refusal).toMatchObject({ kind: 'INVALID', code: 'PERIOD_INVALID' });
  });

  test('come in pages across documents, none lost or doubled', async () => {
    const story = createStory();
    story.instrument(instrumentId);
    story.candles(instrumentId, numbered('2010-01-01', 3000));
    const { ask } = await read(story);
    for (const pageSize of [365, 500]) {
      const found: string[] = [];
      let cursor = '';
      do {
        const page = { pageSize, cursor };
        const query = { instrumentId, interval: CANDLE_INTERVAL_1D, page };
        const answer = answered(await ask(method.listCandles, query));
        expect(answer.candles.length).toBeLessThanOrEqual(pageSize);
        found.push(...answer.candles.map(({ close }) => close));
        cursor = answer.page?.nextCursor ?? '';
      } while (cursor !== '');
      expect(found).toEqual(Array.from({ length: 3000 }, (_, n) => String(n + 1)));
    }
  });

  test('come in pages also where there is one in a document', async () => {
    const story = createStory();
    story.instrument(instrumentId);
    const years = Array.from({ length: 10 }, (_, n) => [`20${n + 10}-06-01`, String(n)] as const);
    story.candles(instrumentId, years);
    const { ask } = await read(story);
    const query = { instrumentId, interval: CANDLE_INTERVAL_1D };
    const first = answered(await ask(method.listCandles, { ...query, page: { pageSize: 4 } }));
    expect(first.candles).toHaveLength(4);
    const page = { pageSize: 6, cursor: first.page?.nextCursor ?? '' };
    const second = answered(await ask(method.listCandles, { ...query, page }));
    expect(second.candles.map(({ close }) => close)).toEqual(['4', '5', '6', '7', '8', '9']);
    expect(second.page?.nextCursor).toBe('');
  });

  test.each(['x', 'c1.', 'c1.1', 'c1.zzzzzzzz', 'c1.fae8000000'])(
    'the cursor %j is refused',
    async (cursor) => {
      const story = createStory();
      story.instrument(instrumentId);
      const { ask } = await read(story);
      const query = { instrumentId, interval: CANDLE_INTERVAL_1D, page: { cursor } };
      const refusal = refused(await ask(method.listCandles, query));
      expect(refusal).toMatchObject({ kind: 'INVALID', code: 'CURSOR_INVALID' });
      expect(refusal.fields?.[0]?.field).toBe('page.cursor');
    },
  );

  test('of an instrument that is not there are none', async () => {
    const { ask } = await read(withOne());
    const query = { instrumentId: 'NO-NE', interval: CANDLE_INTERVAL_1D };
    expect(refused(await ask(method.listCandles, query)).code).toBe('INSTRUMENT_NOT_FOUND');
    const none = { instrumentId, interval: CANDLE_INTERVAL_1D };
    expect(answered(await ask(method.listCandles, none)).candles).toEqual([]);
  });
});

function withOne() {
  const story = createStory();
  story.instrument(instrumentId);
  return story;
}

describe('closes by day', () => {
  test('are those of 1D candles, else the latest of finer ones, whatever comes first', () => {
    const story = createStory();
    const hour = (time: string, close: string) =>
      story.candles(instrumentId, [[time, close]], CANDLE_INTERVAL_1H);
    const day = (time: string, close: string) => story.candles(instrumentId, [[time, close]]);
    hour('2019-12-30T22:00:00Z', '8');
    hour('2019-12-30T23:00:00Z', '9');
    hour('2019-12-31T23:00:00Z', '1');
    hour('2019-12-31T22:00:00Z', '2');
    day('2020-01-01', '3');
    hour('2020-01-01T23:00:00Z', '4');
    hour('2020-01-02T23:00:00Z', '5');
    day('2020-01-02', '6');
    const documents = project(dailyCloses, story.events);
    const closesOf = (id: string) => {
      const { closes } = documents.get(id) as { closes: [number, string, number][] };
      return closes.map(([on, close]) => [on, close]);
    };
    expect([...documents.keys()]).toEqual(['2019/BTC-USD', '2020/BTC-USD']);
    expect(documents.get('2019/BTC-USD')).toMatchObject({ instrumentId, year: 2019 });
    expect(closesOf('2019/BTC-USD')).toEqual([
      [dayNumber('2019-12-30'), '9'],
      [dayNumber('2019-12-31'), '1'],
    ]);
    expect(closesOf('2020/BTC-USD')).toEqual([
      [dayNumber('2020-01-01'), '3'],
      [dayNumber('2020-01-02'), '6'],
    ]);
  });
});

describe('instruments', () => {
  test('have the close of the candle with the latest end as their last price', () => {
    const story = withOne();
    const last = () => {
      const { lastPrice, lastPriceAt } = project(instruments, story.events).get(instrumentId) ?? {};
      return [lastPrice, lastPriceAt];
    };
    expect(last()).toEqual([undefined, undefined]);
    story.candles(instrumentId, numbered('2020-01-01', 2));
    expect(last()).toEqual(['2', Date.parse('2020-01-03')]);
    story.candles(instrumentId, [['2020-01-02T20:00:00Z', '3']], CANDLE_INTERVAL_4H);
    expect(last()).toEqual(['2', Date.parse('2020-01-03')]);
    story.candles(instrumentId, [['2020-01-03T00:00:00Z', '4']], CANDLE_INTERVAL_1H);
    expect(last()).toEqual(['4', Date.parse('2020-01-03T01:00:00Z')]);
  });

  test('are read by everybody who may, also by operators', async () => {
    const story = withOne();
    story.candles(instrumentId, numbered('2020-01-01', 1));
    const { ask } = await read(story);
    const answer = answered(await ask(method.getInstrument, { instrumentId }, callOf(operator)));
    expect(answer.instrument).toMatchObject({
      ...{ instrumentId, description: 'BTC in USD', market: 'coinbase', baseAsset: 'BTC' },
      ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.00000001', minimumOrderSize: '0' },
      ...{ assetClass: AssetClass.CRYPTO, registeredAt: at('2015-01-01') },
      ...{ lastPrice: '1', lastPriceAt: at('2020-01-02') },
    });
    const missing = refused(await ask(method.getInstrument, { instrumentId: 'NO-NE' }));
    expect(missing).toMatchObject({ kind: 'NOT_FOUND', code: 'INSTRUMENT_NOT_FOUND' });
  });

  test('are searched by id, description and assets, with facets', async () => {
    const story = withOne();
    story.instrument('BTC-EUR', { market: 'kraken', description: 'Bitcoin-Euro' });
    story.instrument('ACME-USD', { market: 'nyse', assetClass: AssetClass.EQUITY });
    const { ask } = await read(story);
    const search = async (more: object) => answered(await ask(method.searchInstruments, more));
    const ids = async (more: object) =>
      (await search(more)).hits.map(({ instrument }) => instrument?.instrumentId);
    expect(await ids({ text: 'bitcoin' })).toEqual(['BTC-EUR']);
    expect((await ids({ text: 'btc' })).sort()).toEqual(['BTC-EUR', 'BTC-USD']);
    expect(await ids({ text: 'btc', quoteCurrency: 'USD' })).toEqual(['BTC-USD']);
    expect(await ids({ market: 'nyse' })).toEqual(['ACME-USD']);
    const { hits, facets, total } = await search({ text: 'bitc eur', facets: true });
    expect(hits[0]?.highlights).toMatchObject([
      { field: 'instrument_id' },
      { field: 'description', fragments: ['<em>Bitcoin</em>-<em>Euro</em>'] },
      { field: 'base_asset' },
      { field: 'quote_currency', fragments: ['<em>EUR</em>'] },
    ]);
    expect(total).toBe(1n);
    expect(facets).toMatchObject([
      { field: 'quote_currency', buckets: [{ value: 'EUR', count: 1n }] },
      { field: 'market', buckets: [{ value: 'kraken', count: 1n }] },
      { field: 'asset_class', buckets: [{ value: 'ASSET_CLASS_CRYPTO', count: 1n }] },
    ]);
    const all = await search({ facets: true, page: { pageSize: 2 } });
    expect(all).toMatchObject({ total: 3n });
    expect(all.page?.nextCursor).not.toBe('');
    expect(all.facets[2]?.buckets).toMatchObject([
      { value: 'ASSET_CLASS_CRYPTO', count: 2n },
      { value: 'ASSET_CLASS_EQUITY', count: 1n },
    ]);
  });
});
