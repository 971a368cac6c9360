import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Client } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { SynchronisationMode } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod, TradeSide } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  SeriesBucket,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { clientOf } from '../support/clients.ts';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { sharedData } from '../support/shared-data.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Real prices, from their file to the figures: 1 BTC bought at the first close of 2016 and held
// through 2017, against what two independent implementations say of the same closes.

jest.setTimeout(120_000);

const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
const folder = temporaryFolder();
const period = { from: '2016-01-01', to: '2017-12-31' };
const metadata = { synchronisation: { mode: SynchronisationMode.IMMEDIATE } };

let up: Up;
let queries: Client<typeof TradingQueryService>;
let portfolioId: string;

/** Imports a file of the shared data through the CLI; gives what it says of it. */
async function importFile(name: string, ...args: string[]) {
  const file = join(folder, name.replace('/', '-'));
  writeFileSync(file, sharedData(name));
  const [kind = '', ...options] = args;
  const done = await runHorizon(['import', kind, file, ...options, '--json'], up.env);
  if (done.exit !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}

beforeAll(async () => {
  up = await startUp(join(folder, 'data'));
  queries = clientOf(up, 'read', TradingQueryService);
});

afterAll(() => up.stop('SIGTERM'));

test('the files go in as a whole', async () => {
  const rows = sharedData('market/btcusd-daily.csv').trim().split('\n').length;
  const instruments = await importFile(
    'market/instruments.csv',
    ...['instruments', '--market', 'coinbase'],
  );
  expect(instruments).toMatchObject({ rows: 29, registered: 29, refused: [] });
  const candles = await importFile(
    'market/btcusd-daily.csv',
    ...['candles', '--instrument', 'BTC-USD'],
  );
  expect(candles).toMatchObject({ candles: rows, recorded: rows, differing: [], badRows: [] });
});

test('1 BTC is bought at the first close of 2016', async () => {
  const [close] = sharedData('market/btcusd-daily.csv')
    .split('\n')
    .filter((row) => row.startsWith('20160101 '))
    .map((row) => row.split(',')[4]);
  expect(Number(close)).toBe(oracle.first);
  const commands = clientOf(up, 'write', TradingCommandService);
  const opened = await commands.openPortfolio({
    ...{ userId: 'local', portfolioName: 'Held', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  portfolioId = opened.aggregateId;
  const at = (time: string) => timestampFromDate(new Date(`2016-01-01T${time}Z`));
  const amount = close ?? '';
  await commands.depositCash({ portfolioId, amount, occurredAt: at('23:58:00') });
  const trade = { portfolioId, instrumentId: 'BTC-USD', side: TradeSide.BUY, quantity: '1' };
  const receipt = await commands.recordTrade({
    ...{ ...trade, price: amount, executedAt: at('23:59:00') },
    metadata,
  });
  expect(receipt.viewsBehind).toEqual([]);
});

test('its performance has the figures of the oracle', async () => {
  const answer = await queries.getPortfolioPerformance({ portfolioId, ...period });
  expect(answer).toMatchObject({ ...period, currency: 'USD', dailyReturns: oracle.n_returns });
  expect(answer.startValue).toBe(String(oracle.first));
  expect(answer.endValue).toBe(String(oracle.last));
  const expected = {
    ...{ timeWeightedReturn: oracle.cum_return, cagr: oracle.cagr, calmar: oracle.calmar },
    ...{ volatility: oracle.annual_volatility, sharpe: oracle.sharpe, sortino: oracle.sortino },
    ...{ valueAtRisk95: oracle.var_95, conditionalValueAtRisk95: oracle.cvar_95 },
    maximumDrawdown: oracle.max_drawdown,
  };
  for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
    expect({ [name]: answer[name]?.value }).toEqual({ [name]: within(expected[name]) });
  }
  expect(answer.maximumDrawdown).toMatchObject({
    ...{ peakDate: oracle.mdd_peak, troughDate: oracle.mdd_trough },
  });
});

test('its value by month has the returns of the oracle', async () => {
  const { points } = await queries.getPortfolioValueSeries({
    ...{ portfolioId, ...period },
    bucket: SeriesBucket.MONTH,
  });
  const returns = points.map(({ date, periodReturn }) => [date.slice(0, 7), periodReturn]);
  const monthly: [string, number][] = Object.entries(oracle.monthly_returns);
  expect(returns).toEqual(monthly.map(([month, value]) => [month, within(value)]));
});

/** 1e-6. */
function within(value: number): number {
  return expect.closeTo(value, 6) as unknown as number;
}
