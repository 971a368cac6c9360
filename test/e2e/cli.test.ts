import { spawn } from 'node:child_process';
import { on } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { widthOf } from '../../cmd/cli/text.ts';
import { horizonProgram, runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { sharedData } from '../support/shared-data.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The command line as its users have it: `up`, and every other command as a process of its own.

jest.setTimeout(120_000);

const folder = temporaryFolder();
let up: Up;

beforeAll(async () => {
  up = await startUp(join(folder, 'data'));
});

afterAll(async () => {
  await up.stop('SIGTERM');
});

/** Runs a command, and fails with what it said where its exit code is another one. */
async function horizon(exit: number, ...args: string[]) {
  const result = await runHorizon(args, up.env);
  if (result.exit !== exit) throw new Error(`${args.join(' ')}: ${JSON.stringify(result)}`);
  // What it says beside its answer is for people, unless they want JSON.
  if (!args.includes('--json')) expectToFit(result.stderr);
  return result;
}

function expectToFit(text: string): void {
  expect(text.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
}

/** The table of a command, which fits 80 columns. */
async function table(...args: string[]): Promise<string> {
  const { stdout } = await horizon(0, ...args);
  expectToFit(stdout);
  return stdout;
}

async function answer(exit: number, ...args: string[]) {
  const { stdout } = await horizon(exit, ...args, '--json');
  return JSON.parse(stdout);
}

/** Sends a command and waits for the views. */
async function send(rpc: string, command: object) {
  const metadata = { synchronisation: { mode: 'SYNCHRONISATION_MODE_IMMEDIATE' } };
  return answer(0, 'call', rpc, JSON.stringify({ ...command, metadata }));
}

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const strategy = {
  userId: 'local',
  strategyName: 'Golden cross',
  rules: [
    {
      indicator: { indicator: 'INDICATOR_SMA', window: 50 },
      comparator: 'COMPARATOR_CROSSES_ABOVE',
      secondIndicator: { indicator: 'INDICATOR_SMA', window: 200 },
      action: 'RULE_ACTION_ENTER_LONG',
    },
  ],
};

describe('strategies', () => {
  let strategyId = '';
  let commandId = '';

  test('from the command to the list and the search', async () => {
    const receipt = await send('CreateTradingStrategy', strategy);
    strategyId = receipt.aggregateId;
    commandId = receipt.commandId;
    expect(await table('strategies')).toContain(`${strategyId}  Golden cross  draft`);
    const found = await answer(0, 'strategies', '--search', 'gold');
    expect(found.hits).toMatchObject([{ strategy: { strategyId } }]);
    const none = await horizon(0, 'strategies', '--status', 'paused');
    expect(none).toMatchObject({ stdout: '', stderr: 'local has no strategies\n' });
  });

  test('a refusal has its code, and is exit code 4', async () => {
    const command = JSON.stringify(strategy);
    const { stdout, stderr } = await horizon(4, 'call', 'CreateTradingStrategy', command);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^refused: [A-Z_]+ \(ALREADY_EXISTS\)\n.*Golden cross/);
  });

  test('a field at fault is named', async () => {
    const { stderr } = await horizon(4, 'call', 'GetStrategy', '{"strategyId": "mine"}');
    expect(stderr).toMatch(/^refused: VALIDATION_FAILED \(INVALID_ARGUMENT\)$/m);
    expect(stderr).toMatch(/^ {2}strategy_id: .*\[string\.uuid\]$/m);
  });

  test('answers of a stream are lines, as they come', async () => {
    const args = [horizonProgram, 'call', 'WatchStrategy', JSON.stringify({ strategyId })];
    const watch = spawn(process.execPath, args, {
      env: up.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = on(createInterface({ input: watch.stdout }), 'line');
    const next = async () => JSON.parse((await lines.next()).value?.[0]).strategy.status;
    expect(await next()).toBe('STRATEGY_STATUS_DRAFT');
    await send('ActivateTradingStrategy', { strategyId });
    expect(await next()).toBe('STRATEGY_STATUS_ACTIVE');
    watch.kill();
  });

  test('a command with its events, in the list, and decided again', async () => {
    const shown = await table('command', commandId);
    expect(shown).toMatch(/^CreateTradingStrategyCommand: accepted$/m);
    expect(shown).toMatch(/^0 {2}StrategyCreated {2}/m);
    expect(await table('command', 'list', '--type', 'CreateTradingStrategy')).toContain(commandId);
    const refused = await answer(0, 'command', 'list', '--outcome', 'refused');
    expect(refused.commands[0].type).toMatch(/CreateTradingStrategyCommand$|Query$/);
    const { stdout, stderr } = await horizon(0, 'command', 'list', '--limit', '1');
    expectToFit(stdout);
    expect(stderr).toMatch(/^There are more: .*\n {2}--cursor "/);
    const codes = await table('command', 'list', '--outcome', 'refused');
    expect(codes).toContain('STRATEGY_NAME_TAKEN');
    const replay = await answer(0, 'command', 'replay', commandId);
    expect(replay).toMatchObject({ same: true, revision: '-1' });
  });

  test('the log: the last events, a stream, and a reader that has seen enough', async () => {
    const tail = await table('events', 'tail', '--stream', `strategy-${strategyId}`);
    expect(tail).toMatch(/StrategyCreated .* 0$/m);
    expect(tail).toMatch(/StrategyActivated .* 1$/m);
    const show = await horizon(0, 'events', 'show', `strategy-${strategyId}`, '--json');
    const events = show.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ revision }) => revision)).toEqual(['0', '1']);
    const line = `"${process.execPath}" "${horizonProgram}" events tail -f | head -n 1`;
    const shell = spawn('sh', ['-c', line], { env: up.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = new Promise((resolve) => shell.once('close', resolve));
    const said: string[] = [];
    shell.stderr.on('data', (chunk) => said.push(String(chunk)));
    await new Promise((resolve) => shell.stdout.once('data', resolve));
    // The next line finds nobody who reads it, and the program ends without a word.
    await send('PauseTradingStrategy', { strategyId });
    await closed;
    expect(said.join('')).toBe('');
  });
});

describe('market data', () => {
  const candles = sharedData('market/btcusd-daily.csv');
  const first = candles.split('\n').slice(0, 1200).join('\n');
  const importCandles = (exit: number, file: string, ...more: string[]) =>
    answer(exit, 'import', 'candles', file, '--instrument', 'BTC-USD', ...more);

  test('instruments: what cannot be taken is told, the others go in', async () => {
    const file = fileOf('instruments.csv', sharedData('market/instruments.csv'));
    const coinbase = await answer(0, 'import', 'instruments', file, '--market', 'coinbase');
    expect(coinbase).toMatchObject({ rows: 29, registered: 29, refused: [] });
    const all = await answer(1, 'import', 'instruments', file);
    expect(all).toMatchObject({ rows: 125, alreadyRegistered: 29, notImported: 0 });
    expect(all.registered + 29 + all.refused.length).toBe(125);
    expect(all.refused).toContainEqual(expect.objectContaining({ line: 31, value: 'tADABTC' }));
    const found = await answer(0, 'call', 'GetInstrument', '{"instrumentId": "BTC-USD"}');
    expect(found.instrument).toMatchObject({ baseAsset: 'BTC', quoteCurrency: 'USD' });
  });

  test('candles: once, again, and when the file has grown', async () => {
    const short = fileOf('short.csv', first);
    expect(await importCandles(0, short)).toMatchObject({ recorded: 1200, alreadyRecorded: 0 });
    // At once: the view may not have them yet.
    expect(await importCandles(0, short)).toMatchObject({ recorded: 0, alreadyRecorded: 1200 });
    const whole = fileOf('whole.csv', candles);
    expect(await importCandles(0, whole)).toMatchObject({ recorded: 118, alreadyRecorded: 1200 });
    const again = await importCandles(0, whole);
    expect(again).toMatchObject({ candles: 1318, recorded: 0, alreadyRecorded: 1318 });
  });

  test('a file with a bad row goes in as a whole, or not at all, unless it is wanted', async () => {
    const rows = '20190101 00:00,1,1,1,1,1\n20190102 00:00,1,x,1,1,1\n20190103 00:00,1,1,1,1,1\n';
    const file = fileOf('bad.csv', rows);
    const badRows = [{ line: 2, value: 'x', rule: expect.stringMatching(/^high: a decimal/) }];
    expect(await importCandles(1, file)).toMatchObject({ recorded: 0, notImported: 2, badRows });
    expect(await importCandles(1, file, '--skip-bad')).toMatchObject({ recorded: 2, badRows });
  });

  test('figures that differ from the recorded ones are told, and change nothing', async () => {
    const file = fileOf('other.csv', '20190101 00:00,1,2,1,1,1\n');
    const { differing } = await importCandles(1, file);
    expect(differing).toEqual(['2019-01-01: recorded as 1,1,1,1,1, the file has 1,2,1,1,1']);
  });

  test('an instrument that is not registered', async () => {
    const file = fileOf('short.csv', first);
    const { stderr } = await horizon(4, 'import', 'candles', file, '--instrument', 'NONE-USD');
    expect(stderr).toMatch(/^refused: INSTRUMENT_UNKNOWN/m);
  });

  test('1 BTC held from the first close of 2016 to the last of 2017', async () => {
    const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
    const { aggregateId: portfolioId } = await send('OpenPortfolio', {
      ...{ userId: 'local', portfolioName: 'Held', baseCurrency: 'USD' },
      costBasisMethod: 'COST_BASIS_METHOD_FIFO',
    });
    const occurredAt = '2016-01-01T23:00:00Z';
    await send('DepositCash', { portfolioId, amount: String(oracle.first), occurredAt });
    await send('RecordTrade', {
      ...{ portfolioId, instrumentId: 'BTC-USD', side: 'TRADE_SIDE_BUY', quantity: '1' },
      ...{ price: String(oracle.first), executedAt: '2016-01-01T23:30:00Z' },
    });
    const period = ['--from', '2016-01-01', '--to', '2017-12-31'];
    const figures = await answer(0, 'performance', portfolioId, ...period);
    expect(figures.dailyReturns).toBe(oracle.n_returns);
    const expected = {
      ...{ timeWeightedReturn: oracle.cum_return, cagr: oracle.cagr, calmar: oracle.calmar },
      ...{ volatility: oracle.annual_volatility, sharpe: oracle.sharpe, sortino: oracle.sortino },
      ...{ valueAtRisk95: oracle.var_95, conditionalValueAtRisk95: oracle.cvar_95 },
      maximumDrawdown: oracle.max_drawdown,
    };
    for (const [name, value] of Object.entries(expected)) {
      expect({ [name]: figures[name].value }).toEqual({ [name]: expect.closeTo(value, 6) });
      expect(figures[name].method).not.toBe('');
    }
    expect(figures.maximumDrawdown).toMatchObject({
      ...{ peakDate: oracle.mdd_peak, troughDate: oracle.mdd_trough },
    });
    const shown = await table('performance', portfolioId, ...period);
    expect(shown).toMatch(/^Sharpe +2\.6732 {2}\S/m);
    expect(shown).toMatch(/^maximum drawdown +-36\.2523 % {2}\S/m);
    expect(await table('portfolio', portfolioId)).toMatch(/^BTC-USD +1 +435\.66 /m);
    expect(await table('portfolio')).toContain(`${portfolioId}  Held`);
  });
});

describe('operations', () => {
  test('types of events are shown whole, whatever the width of their streams', async () => {
    const types = ['--type', 'InstrumentRegistered', '--type', 'ReservationTaken'];
    const tail = await table('events', 'tail', '-n', '500', ...types);
    expect(tail).toMatch(/\bInstrumentRegistered\b/);
    expect(tail).toMatch(/\bReservationTaken\b/);
    expect(tail).not.toContain('…');
  });

  test('help has units, and fits', async () => {
    expect(await table('up', '--help')).toMatch(/--ready-within <duration> .*\(default: 60s\)/);
    expect(await table('token', '--help')).toMatch(/--ttl <duration> .*\(default: 24h\)/);
    expect(await table('call')).not.toContain('…');
  });

  test('the state of the views, and the proof that they are right', async () => {
    expect(await table('projection', 'status')).toMatch(/^VIEW +STATE +LAG/);
    const { projections } = await answer(0, 'projection', 'status');
    const views = projections.map(({ view }: { view: string }) => view);
    expect(views.length).toBeGreaterThan(2);
    const verified = await table('projection', 'verify', 'all');
    expect(verified.match(/ compared, 0 differ$/gm)).toHaveLength(views.length);
    expect(await table('projection', 'parked')).toBe('nothing is parked\n');
  });

  test('a rebuild and a rollback', async () => {
    const { projections } = await answer(0, 'projection', 'status');
    const { view, generation } = projections[0];
    const rebuilt = await table('projection', 'rebuild', view);
    expect(rebuilt).toBe(`${view} is rebuilt: generation ${generation + 1} is live\n`);
    const back = await answer(0, 'projection', 'rollback', view);
    expect(back).toEqual({ generation });
    const all = await table('projection', 'rebuild', 'all');
    const live = / is rebuilt: generation \d+ is live$/gm;
    expect(all.match(live)).toHaveLength(projections.length);
    const { stderr } = await horizon(4, 'projection', 'rebuild', 'none');
    expect(stderr).toMatch(/^refused: VIEW_UNKNOWN .*\n.*'none'/);
  });

  test('a token says who one is, and what one may', async () => {
    const { stdout } = await horizon(0, 'token', '--subject', 'ana', '--roles', 'user');
    const token = stdout.trim();
    const own = await horizon(0, 'strategies', '--token', token);
    expect(own.stderr).toBe('ana has no strategies\n');
    const env = { ...up.env, HORIZON_TOKEN: token };
    const { exit, stderr } = await runHorizon(['projection', 'status'], env);
    expect({ exit, stderr }).toEqual({
      ...{ exit: 4, stderr: expect.stringMatching(/^refused: [A-Z_]+ \(PERMISSION_DENIED\)/) },
    });
    const others = await runHorizon(['strategies', '--user', 'local'], env);
    expect(others.exit).toBe(4);
    const forged = await runHorizon(['strategies', '--token', `${token}x`], up.env);
    expect(forged).toMatchObject({ exit: 4, stderr: expect.stringMatching(/UNAUTHENTICATED/) });
  });

  test('a server that is not there', async () => {
    const { stderr } = await horizon(3, 'strategies', '--read-url', 'http://127.0.0.1:1');
    expect(stderr).toMatch(/^cannot reach the read server at http:\/\/127\.0\.0\.1:1: /);
  });
});
