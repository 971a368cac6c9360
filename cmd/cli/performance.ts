import type { Command } from 'commander';
import {
  type GetPortfolioPerformanceAnswer,
  GetPortfolioPerformanceAnswerSchema,
  TradingQueryService,
  type ValuePoint,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { countArgument, dayArgument, uuidArgument } from './arguments.ts';
import { drawdownsOf } from './chart-series.ts';
import { areaChart, drawdownChart } from './chart-text.ts';
import type { Bind, Cli } from './cli.ts';
import { writeExport } from './export-file.ts';
import { formatAmount, formatCount, formatPercent } from './format.ts';
import {
  drawdownDates,
  formatRatio,
  type MeasureRow,
  measureRow,
  printMeasures,
} from './measure-rows.ts';
import { fullJson } from './output.ts';
import { performanceReport, valuesCsv, valuesOf, wealthOf } from './performance-report.ts';

type Options = {
  readonly from?: string;
  readonly to?: string;
  readonly riskFree?: string;
  readonly annualisation?: number;
  readonly html?: string;
  readonly csv?: string;
};

export function addPerformanceCommand(program: Command, bind: Bind): void {
  program
    .command('performance')
    .description('the performance of a portfolio, each measure with its method')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .option('--from <day>', 'first day, UTC (default: of the first activity)', dayArgument)
    .option('--to <day>', 'last day (default: of the last price or activity)', dayArgument)
    .option('--risk-free <rate>', 'yearly, as a decimal: 0.02 is 2 %')
    .option('--annualisation <days>', '365 or 252 (default: by the assets held)', countArgument)
    .option('--html <file>', 'a report with charts, which opens without a network')
    .option('--csv <file>', 'the value day by day')
    .action(bind(runPerformance));
}

async function runPerformance(cli: Cli, portfolioId: string, options: Options): Promise<void> {
  const { session, output } = cli;
  const { from = '', to = '', riskFree = '', annualisation = 0, html, csv } = options;
  const client = session.client(TradingQueryService);
  const answer = await client.getPortfolioPerformance(
    {
      ...{ portfolioId, from, to, riskFreeRate: riskFree },
      annualisationFactor: annualisation,
    },
    session.limited,
  );
  const wantsSeries = !output.json || html !== undefined || csv !== undefined;
  const { points } = wantsSeries
    ? await client.getPortfolioValueSeries({ portfolioId, from, to }, session.limited)
    : { points: [] };
  if (output.json) output.document(fullJson(GetPortfolioPerformanceAnswerSchema, answer));
  else printPerformance(output, answer, points);
  if (html !== undefined) {
    const report = performanceReport({
      ...{ portfolioId, points, from: answer.from, to: answer.to, currency: answer.currency },
      ...{ summary: summaryOf(answer), measures: measuresOf(answer) },
    });
    await writeExport(cli, html, 'report', report);
  }
  if (csv !== undefined) await writeExport(cli, csv, 'values', valuesCsv(points));
}

function printPerformance(
  output: Cli['output'],
  answer: GetPortfolioPerformanceAnswer,
  points: readonly ValuePoint[],
): void {
  output.heading(`${answer.from} to ${answer.to}`);
  output.fields(summaryOf(answer));
  if (points.length > 1) printCharts(output, answer.currency, points);
  output.print('');
  printMeasures(output, measuresOf(answer));
}

function summaryOf(
  answer: GetPortfolioPerformanceAnswer,
): readonly (readonly [label: string, text: string])[] {
  const amount = (text: string): string => `${formatAmount(text)} ${answer.currency}`;
  return [
    ['priced at', answer.pricedAt],
    ['start value', amount(answer.startValue)],
    ['deposits', amount(answer.deposits)],
    ['withdrawals', amount(answer.withdrawals)],
    ['end value', amount(answer.endValue)],
    ['gain', amount(answer.gain)],
    ['daily returns', `${formatCount(answer.dailyReturns)}, after the first day`],
    ['carried prices', answer.carriedPrices > 0 ? formatCount(answer.carriedPrices) : ''],
    ['annualised by', `${answer.annualisationFactor} (${answer.annualisationBasis})`],
  ];
}

/** The drawdown is that of the return: what is paid in or out is no gain and no loss. */
function printCharts(output: Cli['output'], currency: string, points: readonly ValuePoint[]): void {
  const { width } = output;
  output.print('');
  output.heading(`value (${currency})`);
  for (const line of areaChart(valuesOf(points), { width, height: 10 })) output.print(line);
  output.heading('drawdown of the return');
  const falls = drawdownsOf(wealthOf(points));
  for (const line of drawdownChart(falls, { width, height: 5 })) output.print(line);
}

function measuresOf(answer: GetPortfolioPerformanceAnswer): MeasureRow[] {
  return [
    measureRow('time-weighted return', answer.timeWeightedReturn, formatPercent),
    measureRow('money-weighted return', answer.moneyWeightedReturn, formatPercent),
    measureRow('CAGR', answer.cagr, formatPercent),
    measureRow('volatility', answer.volatility, formatPercent),
    measureRow('Sharpe', answer.sharpe, formatRatio),
    measureRow('Sortino', answer.sortino, formatRatio),
    measureRow('maximum drawdown', answer.maximumDrawdown, formatPercent),
    ...drawdownDates(answer.maximumDrawdown),
    measureRow('Calmar', answer.calmar, formatRatio),
    measureRow('VaR 95', answer.valueAtRisk95, formatPercent),
    measureRow('CVaR 95', answer.conditionalValueAtRisk95, formatPercent),
  ];
}
