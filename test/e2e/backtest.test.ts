import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { widthOf } from '../../cmd/cli/text.ts';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { sharedData } from '../support/shared-data.ts';
import { temporaryFolder } from '../support/temporary.ts';

jest.setTimeout(120_000);

const folder = temporaryFolder();
let up: Up;
let strategyId = '';

const crossing = (comparator: string, action: string) => ({
  indicator: { indicator: 'INDICATOR_SMA', window: 20 },
  comparator: `COMPARATOR_CROSSES_${comparator}`,
  secondIndicator: { indicator: 'INDICATOR_SMA', window: 50 },
  action: `RULE_ACTION_${action}`,
});

const horizon = async (...args: string[]) => {
  const result = await runHorizon(args, up.env);
  if (result.exit !== 0) throw new Error(`${args.join(' ')}: ${JSON.stringify(result)}`);
  return result;
};

beforeAll(async () => {
  sharedData('market/btcusd-daily.csv');
  up = await startUp(join(folder, 'data'));
  await horizon('import', 'instruments', 'examples/instruments.csv');
  const candles = join(process.env.SHARED_DATA ?? '../shared/data', 'market/btcusd-daily.csv');
  await horizon('import', 'candles', candles, '--instrument', 'BTC-USD');
  const command = {
    ...{ userId: 'local', strategyName: 'Crossover <b>' },
    rules: [crossing('ABOVE', 'ENTER_LONG'), crossing('BELOW', 'EXIT_LONG')],
    metadata: { synchronisation: { mode: 'SYNCHRONISATION_MODE_IMMEDIATE' } },
  };
  const { stdout } = await horizon('call', 'CreateTradingStrategy', JSON.stringify(command));
  strategyId = JSON.parse(stdout).aggregateId;
});

afterAll(() => up.stop('SIGTERM'));

test('a backtest draws its curve, and writes a report, a curve and its trades', async () => {
  const file = (name: string) => join(folder, name);
  const files = ['--html', file('r.html'), '--csv', file('c.csv'), '--trades-csv', file('t.csv')];
  const { stdout, stderr } = await horizon('backtest', strategyId, 'BTC-USD', ...files);
  for (const line of stdout.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^Crossover <b> on BTC-USD, 2014-12-01 to 2018-08-13\n/);
  expect(stdout).toContain('  enter long when SMA(20) crosses above SMA(50)\n');
  expect(stdout).toMatch(/^equity \(USD\)\n.*┤ .*█/m);
  expect(stdout).toMatch(/^drawdown\n {4}0 % ┤/m);
  expect(stdout).toMatch(/^Sharpe +\d\.\d{4} {2}SHARPE_SAMPLE_STDEV_SQRT_A$/m);
  expect(stderr).toContain('r.html');
  const trades = readFileSync(file('t.csv'), 'utf8').trim().split('\n');
  expect(trades[1]).toMatch(/^1,2015-03-02T00:00:00.000Z,buy,[\d.]+,260\.42,[\d.]+,entry rule,/);
  const curve = readFileSync(file('c.csv'), 'utf8').trim().split('\n');
  expect(curve.length).toBe(1 + 1318);
  expect(stdout).toContain(`trades           ${trades.length - 1}\n`);
  const page = readFileSync(file('r.html'), 'utf8');
  expect(page).toContain('<h1>Crossover &lt;b&gt; on BTC-USD</h1>');
  expect(page).not.toMatch(/https?:|<script|src=|href=/);
  expect(page.match(/<svg /g)?.length).toBe(3);
});

test('as JSON it is one document, the same each time', async () => {
  const args = ['backtest', strategyId, 'BTC-USD', '--from', '2016-01-01', '--json'];
  const { stdout } = await horizon(...args);
  const { started, trades, equity, result } = JSON.parse(stdout);
  expect(started).toMatchObject({ from: '2016-01-01', fills: { feeRate: '0.001' } });
  expect(result.trades).toBe(String(trades.length));
  expect(equity.at(-1).equity).toBe(result.endValue);
  expect(JSON.parse((await horizon(...args)).stdout).equity).toEqual(equity);
});

test('nothing of it is in the log', async () => {
  const { stdout } = await horizon('events', 'tail', '-n', '500', '--json');
  expect(stdout).not.toMatch(/backtest/i);
  expect(stdout).toContain('StrategyCreated');
});

test('the performance of a portfolio has charts, too', async () => {
  const call = async (rpc: string, command: object) => {
    const metadata = { synchronisation: { mode: 'SYNCHRONISATION_MODE_IMMEDIATE' } };
    return JSON.parse(
      (await horizon('call', rpc, JSON.stringify({ ...command, metadata }))).stdout,
    );
  };
  const { aggregateId: portfolioId } = await call('OpenPortfolio', {
    ...{ userId: 'local', portfolioName: 'Held', baseCurrency: 'USD' },
    costBasisMethod: 'COST_BASIS_METHOD_FIFO',
  });
  const occurredAt = '2016-01-01T00:00:00Z';
  await call('DepositCash', { portfolioId, amount: '1000', occurredAt });
  await call('RecordTrade', {
    ...{ portfolioId, instrumentId: 'BTC-USD', side: 'TRADE_SIDE_BUY', executedAt: occurredAt },
    ...{ quantity: '2', price: '435.66' },
  });
  const html = join(folder, 'p.html');
  const csv = join(folder, 'p.csv');
  const files = ['--html', html, '--csv', csv];
  const { stdout } = await horizon('performance', portfolioId, '--to', '2016-12-31', ...files);
  for (const line of stdout.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^value \(USD\)\n.*┤ .*█/m);
  expect(stdout).toMatch(/^drawdown of the return\n {4}0 % ┤/m);
  const rows = readFileSync(csv, 'utf8').trim().split('\n');
  expect([rows.length, rows[0]]).toEqual([1 + 366, 'date,value,cash,deposits,withdrawals,return']);
  expect(readFileSync(html, 'utf8')).not.toMatch(/https?:|<script|src=|href=/);
});
