import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { widthOf } from '../../cmd/cli/text.ts';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { sharedData } from '../support/shared-data.ts';
import { temporaryFolder } from '../support/temporary.ts';

// What is computed of a portfolio and a strategy, from `up` to the tables, JSON and CSV of its users.

jest.setTimeout(120_000);

const folder = temporaryFolder();
const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
const period = ['--from', '2016-01-01', '--to', '2017-12-31'];
let up: Up;
let portfolioId = '';
let strategyId = '';

async function horizon(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await runHorizon(args, up.env);
  if (exit !== 0) throw new Error(`${args.join(' ')}: ${exit}: ${stderr}`);
  return stdout;
}

const analysis = (what: string, ...args: string[]) => horizon('analysis', what, ...args);

const answer = async (what: string, ...args: string[]) =>
  JSON.parse(await analysis(what, ...args, '--json'));

async function rows(what: string, ...args: string[]): Promise<Record<string, string>[]> {
  return parse(await analysis(what, ...args, '--csv'), { columns: true });
}

/** Sends a command and waits for the views. */
async function send(rpc: string, command: object) {
  const metadata = { synchronisation: { mode: 'SYNCHRONISATION_MODE_IMMEDIATE' } };
  const sent = await horizon('call', rpc, JSON.stringify({ ...command, metadata }), '--json');
  return JSON.parse(sent);
}

function fileOf(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, sharedData(`market/${name}`));
  return file;
}

beforeAll(async () => {
  up = await startUp(join(folder, 'data'));
  await horizon('import', 'instruments', fileOf('instruments.csv'), '--market', 'coinbase');
  await horizon('import', 'candles', fileOf('btcusd-daily.csv'), '--instrument', 'BTC-USD');
  const strategy = await send('CreateTradingStrategy', {
    ...{ userId: 'local', strategyName: 'Holds' },
    rules: [
      {
        ...{ indicator: { indicator: 'INDICATOR_PRICE' }, comparator: 'COMPARATOR_ABOVE' },
        ...{ threshold: '1', action: 'RULE_ACTION_ENTER_LONG' },
      },
    ],
  });
  strategyId = strategy.aggregateId;
  const portfolio = await send('OpenPortfolio', {
    ...{ userId: 'local', portfolioName: 'Held', baseCurrency: 'USD' },
    costBasisMethod: 'COST_BASIS_METHOD_FIFO',
  });
  portfolioId = portfolio.aggregateId;
  const amount = String(oracle.first);
  await send('DepositCash', { portfolioId, amount, occurredAt: '2016-01-01T23:00:00Z' });
  const order = { portfolioId, instrumentId: 'BTC-USD', quantity: '1', strategyId };
  await send('RecordTrade', {
    ...{ ...order, side: 'TRADE_SIDE_BUY', price: amount, executedAt: '2016-01-01T23:30:00Z' },
  });
  await send('RecordTrade', {
    ...{ ...order, side: 'TRADE_SIDE_SELL', quantity: '0.25', price: '14000' },
    executedAt: '2018-01-01T12:00:00Z',
  });
});

afterAll(async () => {
  await up?.stop('SIGTERM');
});

describe('1 BTC from the first close of 2016 on, a quarter of it sold in 2018', () => {
  test('returns', async () => {
    const monthly = await rows('returns', portfolioId, ...period);
    expect(monthly.map(({ start }) => start?.slice(0, 7))).toEqual(
      Object.keys(oracle.monthly_returns),
    );
    for (const { start, period_return } of monthly) {
      const expected = oracle.monthly_returns[start?.slice(0, 7) ?? ''];
      expect(Number(period_return)).toBeCloseTo(expected, 9);
    }
    const { timeWeightedReturn } = await answer('returns', portfolioId, ...period, '--by', 'year');
    expect(timeWeightedReturn.value).toBeCloseTo(oracle.cum_return, 9);
    const day = ['--from', '2016-02-01', '--to', '2016-02-01', '--by', 'hour'];
    const { buckets } = await answer('returns', portfolioId, ...day);
    expect(buckets).toHaveLength(24);
    expect(buckets[0].periodReturn.undefinedReason).toBe('NO_HOURLY_PRICES');
  });

  test('drawdowns', async () => {
    const [deepest] = await rows('drawdowns', portfolioId, ...period, '--limit', '1');
    expect(deepest).toMatchObject({
      ...{ peak_date: oracle.mdd_peak, trough_date: oracle.mdd_trough },
    });
    expect(Number(deepest?.depth)).toBeCloseTo(oracle.max_drawdown, 9);
  });

  test('exposure', async () => {
    const { leverage, net, assets } = await answer('exposure', portfolioId, ...period);
    expect(leverage.value).toBe(1);
    expect(net).toBe(String(oracle.last));
    expect(assets).toMatchObject([{ asset: 'BTC', side: 'POSITION_SIDE_LONG' }]);
    const [row] = await rows('exposure', portfolioId, ...period);
    expect(row).toMatchObject({ instrument: 'BTC-USD', quantity: '1', asset_weight: '1' });
  });

  test('benchmark', async () => {
    const compared = await answer('benchmark', portfolioId, 'BTC-USD', ...period);
    expect(compared).toMatchObject({ returns: oracle.n_returns, beta: { value: 1 } });
    expect(compared.benchmarkReturn.value).toBeCloseTo(oracle.cum_return, 9);
  });

  test('attribution', async () => {
    const { assets, timeWeightedReturn } = await answer('attribution', portfolioId, ...period);
    expect(assets[0].contribution.value).toBeCloseTo(timeWeightedReturn.value, 9);
    const [row] = await rows('attribution', portfolioId, ...period);
    expect(row).toMatchObject({ asset: 'BTC', gain: '13427.47' });
  });

  test('cost basis', async () => {
    const [open] = await rows('cost-basis', portfolioId, '--to', '2018-01-01');
    expect(open).toMatchObject({ quantity: '0.75', cost: '326.745', closed_at: '' });
    const [closed] = await rows('cost-basis', portfolioId, '--closed', '--from', '2018-01-01');
    expect(closed).toMatchObject({ quantity: '0.25', proceeds: '3500', strategy: strategyId });
    expect(closed?.realised_gain).toBe('3391.085');
  });

  test('strategy', async () => {
    const { performance } = await answer('strategy', strategyId, ...period);
    expect(performance).toMatchObject([{ currency: 'USD', trades: '1', paidIn: '435.66' }]);
    expect(performance[0].timeWeightedReturn.value).toBeCloseTo(oracle.cum_return, 9);
    expect(performance[0].maximumDrawdown.value).toBeCloseTo(oracle.max_drawdown, 9);
  });

  test.each([
    ['returns'],
    ['returns', '--by', 'hour', '--from', '2016-02-01', '--to', '2016-02-02'],
    ['drawdowns'],
    ['exposure'],
    ['benchmark', 'BTC-USD'],
    ['attribution'],
    ['cost-basis'],
    ['cost-basis', '--closed'],
    ['strategy'],
    ['strategy-trades'],
    ['trades'],
  ])('%s %s: the table fits 80 columns', async (what, ...more) => {
    const id = what.startsWith('strategy') ? strategyId : portfolioId;
    const stdout = await analysis(what, id, ...more);
    expect(stdout.split('\n').length).toBeGreaterThan(3);
    expect(stdout.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(stdout).not.toMatch(/undefined|NaN|\[object/);
  });
});
