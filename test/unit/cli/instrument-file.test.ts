import { describe, expect, test } from '@jest/globals';
import type { CsvRow } from '../../../cmd/cli/csv-file.ts';
import { readInstruments } from '../../../cmd/cli/instrument-file.ts';
import { AssetClass } from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { sharedData } from '../../support/shared-data.ts';

const names =
  'market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,market_ticker,minimum_order_size';

function rowsOf(text: string): CsvRow[] {
  const lines = text.trim().split('\n');
  return lines.map((line, at) => ({ line: at + 1, cells: line.split(',') }));
}

const read = (text: string, market?: string) => readInstruments(rowsOf(text), market);

describe('instruments of a file', () => {
  test('the ticker is the id, the symbol without its quote currency the base asset', async () => {
    const { rows, bad } = await read(
      `${names}\nkraken,ETHBTC,crypto,ETH/XBT,BTC,1,0.00001,0.00000001,XETHXXBT,0.002`,
    );
    expect(bad).toEqual([]);
    expect(rows).toMatchObject([
      {
        line: 2,
        command: {
          ...{ instrumentId: 'XETHXXBT', description: 'ETH/XBT', market: 'kraken' },
          ...{ assetClass: AssetClass.CRYPTO, baseAsset: 'ETH', quoteCurrency: 'BTC' },
          ...{ tickSize: '0.00001', lotSize: '0.00000001', minimumOrderSize: '0.002' },
        },
      },
    ]);
  });

  test('the command id derives from the terms', async () => {
    const row = (tick: string) => `coinbase,BTCUSD,crypto,Bitcoin,USD,1,${tick},0.1,BTC-USD,1`;
    const idOf = async (tick: string) =>
      (await read(`${names}\n${row(tick)}`)).rows[0]?.command.metadata?.commandId;
    expect(await idOf('0.01')).toMatch(/^[\da-f-]{36}$/);
    expect(await idOf('0.01')).toBe(await idOf('0.01'));
    expect(await idOf('0.02')).not.toBe(await idOf('0.01'));
  });

  test.each([
    ['another type', 'm,BTCUSD,future,B,USD,1,0.01,0.1,BTC-USD,1', 'BTC-USD', /^type: one of/],
    [
      'an id in small letters',
      'm,BTCUSD,crypto,B,USD,1,0.01,0.1,tBTCUSD,1',
      'tBTCUSD',
      /^market_ticker: capital/,
    ],
    ['no tick', 'm,BTCUSD,crypto,B,USD,1,,0.1,BTC-USD,1', 'BTC-USD', /tick_size/],
    ['no decimal', 'm,BTCUSD,crypto,B,USD,1,1e-8,0.1,BTC-USD,1', 'BTC-USD', /tick_size.*1e-8/],
  ])('tells %s with its line', async (_, row, value, rule) => {
    const { rows, bad } = await read(`${names}\n${row}`);
    expect(rows).toEqual([]);
    expect(bad).toEqual([{ line: 2, value, rule: expect.stringMatching(rule) }]);
  });

  test('an id twice: the first one goes in', async () => {
    const row = 'coinbase,BTCUSD,crypto,Bitcoin,USD,1,0.01,0.1,BTC-USD,1';
    const { rows, bad } = await read(`${names}\n${row}\n${row}`);
    expect(rows.map(({ line }) => line)).toEqual([2]);
    expect(bad).toMatchObject([{ line: 3, value: 'BTC-USD' }]);
  });

  test('a file without the names of its columns', async () => {
    await expect(read('coinbase,BTCUSD')).rejects.toThrow(/it has no market, no symbol/);
  });

  test('every row of the shared file is taken or told', async () => {
    const text = sharedData('market/instruments.csv');
    const { rows, bad } = await read(text);
    expect(rows.length + bad.length).toBe(125);
    const coinbase = await read(text, 'coinbase');
    expect(coinbase.bad).toEqual([]);
    expect(coinbase.rows).toHaveLength(29);
  });
});
