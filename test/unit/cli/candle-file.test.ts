import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseTime, readCandles } from '../../../cmd/cli/candle-file.ts';
import { badRowLines, readCsv, resolveFile } from '../../../cmd/cli/csv-file.ts';
import { sharedData } from '../../support/shared-data.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
const day = 86_400;

function read(text: string, step = day) {
  const file = join(folder, 'candles.csv');
  writeFileSync(file, text);
  return readCandles(readCsv(file), step);
}

const good = '20141201 00:00,300,370,300,370,0.05655554';

describe('candles of a file', () => {
  test('columns in order, figures in canonical text', async () => {
    const { candles, bad } = await read('20141201 00:00,300.0,370.10,300,370,0.05655554\n');
    expect(bad).toEqual([]);
    expect(candles).toEqual([
      {
        ...{ $typeName: 'cipherhorizon.trading.v1.Candle', start: 1_417_392_000n },
        ...{ open: '300', high: '370.1', low: '300', close: '370', volume: '0.05655554' },
      },
    ]);
  });

  test('columns under names, in any order, with others among them', async () => {
    const { candles, bad } = await read(
      '\ufeffClose,Volume,Date,Open,High,Low,Trades\n370,1,2014-12-01,300,380,290,17\n',
    );
    expect(bad).toEqual([]);
    expect(candles).toMatchObject([
      { start: 1_417_392_000n, open: '300', high: '380', low: '290', close: '370', volume: '1' },
    ]);
  });

  test('names that miss a column are refused', async () => {
    await expect(read('time,open,high,low,close\n')).rejects.toThrow(/no column "volume"/);
  });

  test('all of the shared file', async () => {
    const { candles, bad } = await read(sharedData('market/btcusd-daily.csv'));
    expect({ candles: candles.length, bad: bad.length }).toEqual({ candles: 1318, bad: 0 });
  });

  const rule = (text: RegExp) => expect.stringMatching(text);
  test.each([
    ['no time', 'yesterday,1,1,1,1,1', 'yesterday', /^a time as/],
    ['no day of the calendar', '20150231 00:00,1,1,1,1,1', '20150231 00:00', /^a time as/],
    ['no start', '20141202 00:30,1,1,1,1,1', '20141202 00:30', /multiple of it/],
    ['a double', '20141201 00:00,1,1,1,1,1', '20141201 00:00', /without doubles \(2014-12-01/],
    ['out of order', '20141130 00:00,1,1,1,1,1', '20141130 00:00', /in the order of time/],
    ['no decimal', '20141202 00:00,1,1e3,1,1,1', '1e3', /^high: a decimal/],
    ['a negative volume', '20141202 00:00,1,1,1,1,-1', '-1', /^volume: a decimal/],
    ['a comma for the point', '20141202 00:00,"1,5",2,1,1,1', '1,5', /^open: a decimal/],
    [
      'a price of 0',
      '20141202 00:00,0,1,0,1,1',
      '20141202 00:00,0,1,0,1,1',
      /^open is 0; .* over 0/,
    ],
    ['high below close', '20141202 00:00,1,2,1,3,1', '20141202 00:00,1,2,1,3,1', /^high is 2/],
    ['low above open', '20141202 00:00,1,3,2,3,1', '20141202 00:00,1,3,2,3,1', /^low is 2/],
    ['a column too few', '20141202 00:00,1,1,1,1', '20141202 00:00,1,1,1,1', /^6 columns .*5/],
  ])('tells %s with its line, and goes on', async (_, row, value, pattern) => {
    const { candles, bad } = await read(`${good}\n\n${row}\n20141203 00:00,1,1,1,1,1\n`);
    expect(bad).toEqual([{ line: 3, value, rule: rule(pattern) }]);
    expect(candles.map(({ start }) => start)).toEqual([1_417_392_000n, 1_417_564_800n]);
  });

  test('a quote that is left open is told, not taken for an end', async () => {
    await expect(read(`${good}\n"20141202 00:00,1,1,1,1,1\n`)).rejects.toThrow(/is no CSV/);
  });

  test('a file that is not there', async () => {
    await expect(readCandles(readCsv(join(folder, 'none.csv')), day)).rejects.toThrow(/no file/);
  });
});

test.each([
  ['20141201 13:45', '2014-12-01T13:45:00Z'],
  ['20141201', '2014-12-01T00:00:00Z'],
  ['2014-12-01', '2014-12-01T00:00:00Z'],
  ['2014-12-01 13:45', '2014-12-01T13:45:00Z'],
  ['2014-12-01T13:45:10Z', '2014-12-01T13:45:10Z'],
  ['2014-12-01T13:45:10.000+01:00', '2014-12-01T12:45:10Z'],
  ['1417392000', '2014-12-01T00:00:00Z'],
  ['1417392000000', '2014-12-01T00:00:00Z'],
])('the time %s is %s', (text, iso) => {
  expect(parseTime(text)).toBe(Date.parse(iso) / 1000);
});

test.each(['', '2014', '20141301', '2014-12-01T25:00Z', '2014-02-30', '12/01/2014', '-5'])(
  '%j is no time',
  (text) => expect(parseTime(text)).toBeUndefined(),
);

test('a list of bad rows fits, is cut, and says so', () => {
  const rows = Array.from({ length: 105 }, (_, at) => ({ line: at + 1, value: 'x', rule: 'y' }));
  const lines = badRowLines(rows, 80);
  expect(lines).toHaveLength(101);
  expect(lines[0]).toBe('  line 1: "x": y');
  expect(lines[100]).toBe('  … and 5 more (--json lists them all)');
  const long = badRowLines([{ line: 1, value: 'x', rule: 'high is below the close' }], 30);
  expect(long).toEqual(['  line 1: "x": high is below', '    the close']);
});

test('through npm run, a file is meant from where npm was called', () => {
  const env = { npm_lifecycle_event: 'horizon', INIT_CWD: '/home/ana' };
  expect(resolveFile('a.csv', env)).toBe('/home/ana/a.csv');
  expect(resolveFile('/data/a.csv', env)).toBe('/data/a.csv');
  expect(resolveFile('a.csv', { INIT_CWD: '/home/ana' })).toBe('a.csv');
});
