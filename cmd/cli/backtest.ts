import { type Command, InvalidArgumentError, Option } from 'commander';
import { BacktestService } from '../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { CandleInterval } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { countArgument, dayArgument, uuidArgument } from './arguments.ts';
import { type BacktestRun, collectBacktest } from './backtest-answer.ts';
import { curveCsv, tradesCsv } from './backtest-csv.ts';
import { backtestJson } from './backtest-json.ts';
import { backtestReport } from './backtest-report.ts';
import { printBacktest } from './backtest-text.ts';
import { intervals } from './candle-file.ts';
import type { Bind, Cli } from './cli.ts';
import { decimalArgument } from './decimal-argument.ts';
import { writeExport } from './export-file.ts';
import { createProgress } from './progress.ts';

type Options = {
  readonly interval: string;
  readonly from?: string;
  readonly to?: string;
  readonly cash?: string;
  readonly fraction?: string;
  readonly fee?: string;
  readonly slippage?: string;
  readonly participation?: string;
  readonly goodFor?: number;
  readonly delay?: number;
  readonly rejections?: string;
  readonly seed?: string;
  readonly html?: string;
  readonly csv?: string;
  readonly tradesCsv?: string;
};

export function addBacktestCommand(program: Command, bind: Bind): void {
  program
    .command('backtest')
    .description('a strategy over recorded candles: trades, equity curve, all measures')
    .argument('<strategy>', 'its id', uuidArgument)
    .argument('<instrument>', 'its id: BTC-USD')
    .addOption(
      new Option('--interval <interval>', 'of the candles')
        .choices([...intervals.keys()])
        .default('1d'),
    )
    .option('--from <day>', 'first day, UTC (default: of the first candle)', dayArgument)
    .option('--to <day>', 'last day (default: of the last candle)', dayArgument)
    .option('--cash <amount>', 'to begin with (default: 10000)', decimalArgument)
    .option('--fraction <fraction>', 'of the equity, for each entry (default: 1)', decimalArgument)
    .option('--fee <fraction>', 'of what is traded (default: 0.001, 0.1 %)', decimalArgument)
    .option('--slippage <fraction>', 'of the price (default: 0.0005)', decimalArgument)
    .option('--participation <fraction>', 'most of the volume of a candle', decimalArgument)
    .option('--delay <candles>', 'before an order can be filled', delayArgument)
    .option('--good-for <candles>', 'that an order waits for fills (default: 5)', countArgument)
    .option('--rejections <fraction>', 'of orders that the venue refuses', decimalArgument)
    .option('--seed <text>', 'which of them')
    .option('--html <file>', 'a report with charts, which opens without a network')
    .option('--csv <file>', 'the equity curve')
    .option('--trades-csv <file>', 'the trades')
    .action(bind(runBacktest));
}

async function runBacktest(
  cli: Cli,
  strategyId: string,
  instrumentId: string,
  options: Options,
): Promise<void> {
  const { session, streams, output } = cli;
  const progress = createProgress(streams.stderr, 'backtest');
  const answers = session.client(BacktestService).runBacktest({
    ...{ strategyId, instrumentId },
    interval: intervals.get(options.interval) ?? CandleInterval.CANDLE_INTERVAL_1D,
    ...{ from: options.from ?? '', to: options.to ?? '' },
    ...{ initialCash: options.cash ?? '', fraction: options.fraction ?? '' },
    goodForCandles: options.goodFor ?? 0,
    fills: {
      ...{ feeRate: options.fee ?? '', slippage: options.slippage ?? '' },
      ...{ participation: options.participation ?? '', delayCandles: options.delay ?? 0 },
      ...{ rejectionRate: options.rejections ?? '', seed: options.seed ?? '' },
    },
  });
  let run: BacktestRun;
  try {
    run = await collectBacktest(answers, progress);
  } finally {
    progress.end();
  }
  if (output.json) output.document(backtestJson(run));
  else printBacktest(output, run);
  await writeFiles(cli, run, options);
}

async function writeFiles(cli: Cli, run: BacktestRun, options: Options): Promise<void> {
  const { html, csv, tradesCsv: trades } = options;
  if (html !== undefined) await writeExport(cli, html, 'report', backtestReport(run));
  if (csv !== undefined) await writeExport(cli, csv, 'equity curve', curveCsv(run));
  if (trades !== undefined) await writeExport(cli, trades, 'trades', tradesCsv(run));
}

function delayArgument(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It has to be a number of candles.');
  return Number(text);
}
