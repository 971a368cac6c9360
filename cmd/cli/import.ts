import type { JsonValue } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { secondsOf } from '../../src/trading/model/interval.ts';
import { type CandleFile, intervals, readCandles } from './candle-file.ts';
import type { Bind, Cli } from './cli.ts';
import { badRowLines, readCsv, resolveFile } from './csv-file.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { formatCount, formatStart } from './format.ts';
import { type CandleTally, emptyTally, importCandles } from './import-candles.ts';
import { type InstrumentTally, importInstruments } from './import-instruments.ts';
import { readInstruments } from './instrument-file.ts';
import { createProgress } from './progress.ts';

const intervalNames = [...intervals.keys()].join(', ');

type CandleOptions = {
  readonly instrument: string;
  readonly interval: string;
  readonly skipBad?: true;
};

export function addImportCommands(program: Command, bind: Bind): void {
  const group = program.command('import').description('market data from CSV files');
  group
    .command('candles')
    .description('record the candles of a file: time, open, high, low, close, volume')
    .argument('<file>', 'columns in this order, or under a first row that names them')
    .requiredOption('--instrument <id>', 'the instrument, as BTC-USD')
    .option('--interval <interval>', intervalNames, '1d')
    .option('--skip-bad', 'import the rest of a file with rows that break a rule')
    .action(bind(runCandles));
  group
    .command('instruments')
    .description('register the instruments of a file')
    .argument('<file>', 'the first row names the columns: market, symbol, market_ticker, …')
    .option('--market <name>', 'of this market alone: others may use the same tickers')
    .action(bind(runInstruments));
}

async function runCandles(cli: Cli, file: string, options: CandleOptions): Promise<number> {
  const interval = intervals.get(options.interval);
  if (interval === undefined) {
    throw new CliError(`--interval is one of ${intervalNames}`, exitCode.usage);
  }
  const path = resolveFile(file, cli.env);
  const read = await readCandles(readCsv(path), secondsOf(interval));
  const tally = emptyTally();
  const isTaken = read.bad.length === 0 || options.skipBad === true;
  const progress = createProgress(cli.streams.stderr, 'candles');
  try {
    if (isTaken) {
      const series = { instrumentId: options.instrument, interval };
      await importCandles(cli.session, series, read.candles, tally, (done) =>
        progress.update(done, read.candles.length),
      );
    }
  } finally {
    progress.end();
    reportCandles(cli, options, read, tally);
  }
  if (!isTaken) cli.output.note('Nothing was imported: correct the rows, or use --skip-bad.');
  return read.bad.length + tally.differing.size > 0 ? exitCode.failed : exitCode.ok;
}

function reportCandles(cli: Cli, options: CandleOptions, file: CandleFile, tally: CandleTally) {
  const { output } = cli;
  const { candles, bad } = file;
  const recorded = tally.recorded.size;
  const before = tally.before.size;
  const differing = [...tally.differing.values()];
  const left = candles.length - recorded - before - differing.length;
  if (output.json) {
    const { instrument, interval } = options;
    output.document({
      ...{ instrument, interval, candles: candles.length, recorded, alreadyRecorded: before },
      ...{ differing, notImported: left, badRows: bad as unknown as JsonValue },
    });
    return;
  }
  const ends = [candles[0], candles.at(-1)].map((candle) =>
    formatStart(Number(candle?.start ?? 0)),
  );
  output.heading(`${options.instrument} ${options.interval}`);
  output.fields([
    [
      'good rows',
      `${formatCount(candles.length)}${candles.length > 0 ? `, ${ends.join(' to ')}` : ''}`,
    ],
    ['recorded', formatCount(recorded)],
    ['already recorded', before > 0 ? formatCount(before) : ''],
    ['recorded otherwise', differing.length > 0 ? formatCount(differing.length) : ''],
    ['not imported', left > 0 ? formatCount(left) : ''],
    ['bad rows', bad.length > 0 ? formatCount(bad.length) : ''],
  ]);
  for (const line of badRowLines(bad, output.width)) output.note(line);
  for (const line of differing.slice(0, 20)) output.note(`  ${line}`);
}

async function runInstruments(
  cli: Cli,
  file: string,
  { market }: { readonly market?: string },
): Promise<number> {
  const { rows, bad } = await readInstruments(readCsv(resolveFile(file, cli.env)), market);
  const tally: InstrumentTally = { registered: 0, before: 0, refused: [...bad] };
  const progress = createProgress(cli.streams.stderr, 'instruments');
  try {
    await importInstruments(cli.session, rows, tally, (done) => progress.update(done, rows.length));
  } finally {
    progress.end();
    reportInstruments(cli, rows.length + bad.length, tally);
  }
  return tally.refused.length > 0 ? exitCode.failed : exitCode.ok;
}

function reportInstruments({ output }: Cli, rows: number, tally: InstrumentTally): void {
  const { registered, before } = tally;
  const refused = tally.refused.toSorted((a, b) => a.line - b.line);
  const left = rows - registered - before - refused.length;
  if (output.json) {
    output.document({
      ...{ rows, registered, alreadyRegistered: before, notImported: left },
      refused: refused as unknown as JsonValue,
    });
    return;
  }
  output.heading('Instruments');
  output.fields([
    ['rows', formatCount(rows)],
    ['registered', formatCount(registered)],
    ['already registered', before > 0 ? formatCount(before) : ''],
    ['not imported', left > 0 ? formatCount(left) : ''],
    ['refused', refused.length > 0 ? formatCount(refused.length) : ''],
  ]);
  for (const line of badRowLines(refused, output.width)) output.note(line);
}
