import type { Command } from 'commander';
import {
  AnalysisQueryService,
  type CompareWithBenchmarkAnswer,
  CompareWithBenchmarkAnswerSchema,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { countArgument, uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatCount, formatPercent } from './format.ts';
import { formatRatio, measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

type Options = PeriodOptions & { readonly riskFree?: string; readonly annualisation?: number };

export function addBenchmarkCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('benchmark')
    .description('a portfolio beside an instrument: alpha, beta, tracking error and others')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .argument('<instrument>', 'the benchmark')
    .action(bind(runBenchmark));
  addPeriodOptions(command)
    .option('--risk-free <rate>', 'yearly, as a decimal: 0.02 is 2 %')
    .option('--annualisation <days>', '365 or 252 (default: by the assets)', countArgument);
}

async function runBenchmark(
  { session, output }: Cli,
  portfolioId: string,
  benchmarkId: string,
  { from = '', to = '', riskFree: riskFreeRate = '', annualisation = 0 }: Options,
): Promise<void> {
  const query = { portfolioId, benchmarkId, from, to, riskFreeRate };
  const answer = await session
    .client(AnalysisQueryService)
    .compareWithBenchmark({ ...query, annualisationFactor: annualisation }, session.limited);
  if (output.json) output.document(fullJson(CompareWithBenchmarkAnswerSchema, answer));
  else print(output, answer);
}

function print(output: Cli['output'], answer: CompareWithBenchmarkAnswer): void {
  const { currency, benchmarkCurrency, carriedPrices } = answer;
  output.heading(`${answer.from} to ${answer.to}, beside ${answer.benchmarkId}`);
  const differs = benchmarkCurrency !== currency;
  output.fields([
    ['returns', formatCount(answer.returns)],
    ['annualised by', `${answer.annualisationFactor} (${answer.annualisationBasis})`],
    ['prices in', differs ? `${benchmarkCurrency}, the portfolio is in ${currency}` : ''],
    ['carried prices', carriedPrices > 0 ? formatCount(carriedPrices) : ''],
  ]);
  output.print('');
  printMeasures(output, [
    measureRow('time-weighted return', answer.timeWeightedReturn, formatPercent),
    measureRow('of the benchmark', answer.benchmarkReturn, formatPercent),
    measureRow('active return', answer.activeReturn, formatPercent),
    measureRow('alpha', answer.alpha, formatPercent),
    measureRow('beta', answer.beta, formatRatio),
    measureRow('correlation', answer.correlation, formatRatio),
    measureRow('tracking error', answer.trackingError, formatPercent),
    measureRow('information ratio', answer.informationRatio, formatRatio),
  ]);
}
