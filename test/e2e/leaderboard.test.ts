import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { widthOf } from '../../cmd/cli/text.ts';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { sharedData } from '../support/shared-data.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The leaderboard from `up` to the table of its users, over commands and views as they run.

jest.setTimeout(120_000);

const folder = temporaryFolder();
let up: Up;
const ids: string[] = [];

async function horizon(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await runHorizon(args, up.env);
  if (exit !== 0) throw new Error(`${args.join(' ')}: ${exit}: ${stderr}`);
  return stdout;
}

const board = async (...args: string[]) =>
  JSON.parse(await horizon('leaderboard', ...args, '--json'));

/** Sends a command and waits for all views: derived ones too. */
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
  for (const [portfolioName, quantity] of [
    ['A half', '50'],
    ['All in', '100'],
  ]) {
    const { aggregateId: portfolioId } = await send('OpenPortfolio', {
      ...{ userId: 'local', portfolioName, baseCurrency: 'USD' },
      costBasisMethod: 'COST_BASIS_METHOD_FIFO',
    });
    await send('DepositCash', { portfolioId, amount: '43566', occurredAt: '2016-01-01T23:00:00Z' });
    const order = { portfolioId, instrumentId: 'BTC-USD', quantity, side: 'TRADE_SIDE_BUY' };
    await send('RecordTrade', { ...order, price: '435.66', executedAt: '2016-01-01T23:30:00Z' });
    ids.push(portfolioId);
  }
});

afterAll(async () => {
  await up.stop('SIGTERM');
});

describe('horizon leaderboard', () => {
  test('its figures are those of the performance of each portfolio', async () => {
    const { entries, ranked, days } = await board('--days', '180', '--by', 'return');
    expect({ ranked, days }).toEqual({ ranked: '2', days: 180 });
    expect(entries).toHaveLength(2);
    for (const { portfolioId, from, asOf, profit, timeWeightedReturn, sharpe } of entries) {
      expect(ids).toContain(portfolioId);
      const period = ['--from', from, '--to', asOf];
      const own = JSON.parse(await horizon('performance', portfolioId, ...period, '--json'));
      expect(profit).toBe(own.gain);
      expect(timeWeightedReturn.value).toBeCloseTo(own.timeWeightedReturn.value, 12);
      expect(sharpe.value).toBeCloseTo(own.sharpe.value, 9);
    }
  });

  test('a trade changes it at once, for who has waited for the views', async () => {
    const [before] = (await board('--name', 'half', '--days', '7')).entries;
    expect(before.closedTrades ?? 0).toBe(0);
    const [portfolioId] = ids;
    const order = { portfolioId, instrumentId: 'BTC-USD', quantity: '1', side: 'TRADE_SIDE_SELL' };
    const executedAt = `${before.asOf}T23:00:00Z`;
    await send('RecordTrade', { ...order, price: '1', executedAt });
    const [after] = (await board('--name', 'haff', '--days', '7')).entries;
    expect(after).toMatchObject({ portfolioId, closedTrades: 1, winRate: { value: 0 } });
    expect(Number(after.profit)).toBeLessThan(Number(before.profit));
  });

  test('filters, and what is wrong with them', async () => {
    const { entries } = await board('--min', 'win-rate=0');
    expect(entries).toMatchObject([{ portfolioName: 'A half' }]);
    expect((await board('--min', 'return=100')).entries).toEqual([]);
    const { exit, stderr } = await runHorizon(['leaderboard', '--by', 'profit'], up.env);
    expect(exit).toBe(4);
    expect(stderr).toContain('CURRENCY_NEEDED');
    expect((await runHorizon(['leaderboard', '--min', 'luck=1'], up.env)).exit).toBe(2);
  });

  test('the table fits 80 columns; the view is listed with what it is derived from', async () => {
    const table = await horizon('leaderboard', '--by', 'profit', '--currency', 'USD');
    expect(table).toMatch(/All in/);
    expect(table.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(table).not.toMatch(/undefined|NaN|\[object/);
    const verified = await horizon('projection', 'verify', 'trading_standings');
    expect(verified).toMatch(/2 documents compared, 0 differ$/m);
    expect(await horizon('projection', 'status')).toMatch(/trading_standings/);
  });
});
