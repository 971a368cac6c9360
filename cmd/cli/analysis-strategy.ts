import type { Command } from 'commander';
import {
  AnalysisQueryService,
  GetStrategyPerformanceAnswerSchema,
  type StrategyPerformance,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { countArgument, uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatAmount, formatCount, formatPercent } from './format.ts';
import { formatRatio, measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

type Options = PeriodOptions & {
  readonly portfolio?: string;
  readonly instrument?: string;
  readonly riskFree?: string;
  readonly annualisation?: number;
};

export function addStrategyPerformanceCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('strategy')
    .description('the performance of a strategy: of its own trades, by currency')
    .argument('<id>', 'of the strategy', uuidArgument)
    .action(bind(runStrategy));
  addPeriodOptions(command)
    .option('--portfolio <id>', 'only its trades in the portfolio', uuidArgument)
    .option('--instrument <id>', 'only its trades of the instrument')
    .option('--risk-free <rate>', 'yearly, as a decimal: 0.02 is 2 %')
    .option('--annualisation <days>', '365 or 252 (default: by the assets)', countArgument);
}

async function runStrategy(
  { session, output }: Cli,
  strategyId: string,
  { from = '', to = '', riskFree = '', annualisation = 0, ...only }: Options,
): Promise<void> {
  const answer = await session.client(AnalysisQueryService).getStrategyPerformance(
    {
      ...{ strategyId, from, to, riskFreeRate: riskFree },
      ...{ portfolioId: only.portfolio ?? '', instrumentId: only.instrument ?? '' },
      annualisationFactor: annualisation,
    },
    session.limited,
  );
  if (output.json) return output.document(fullJson(GetStrategyPerformanceAnswerSchema, answer));
  if (answer.performance.length === 0) output.note('the strategy has no trades');
  for (const [at, performance] of answer.performance.entries()) {
    if (at > 0) output.print('');
    print(output, performance);
  }
}

function print(output: Cli['output'], performance: StrategyPerformance): void {
  const { currency, carriedPrices } = performance;
  const amount = (text: string): string => `${formatAmount(text)} ${currency}`;
  output.heading(`${performance.from} to ${performance.to}, in ${currency}`);
  output.fields([
    ['priced at', performance.pricedAt],
    ['trades', formatCount(performance.trades)],
    ['portfolios', formatCount(performance.portfolios)],
    ['start value', amount(performance.startValue)],
    ['paid in', amount(performance.paidIn)],
    ['taken out', amount(performance.takenOut)],
    ['end value', amount(performance.endValue)],
    ['gain', amount(performance.gain)],
    ['daily returns', `${formatCount(performance.dailyReturns)}, of days invested`],
    ['carried prices', carriedPrices > 0 ? formatCount(carriedPrices) : ''],
    ['annualised by', `${performance.annualisationFactor} (${performance.annualisationBasis})`],
    ['account', performance.accountMethod],
  ]);
  output.print('');
  printMeasures(output, [
    measureRow('time-weighted return', performance.timeWeightedReturn, formatPercent),
    measureRow('money-weighted return', performance.moneyWeightedReturn, formatPercent),
    measureRow('CAGR', performance.cagr, formatPercent),
    measureRow('volatility', performance.volatility, formatPercent),
    measureRow('Sharpe', performance.sharpe, formatRatio),
    measureRow('Sortino', performance.sortino, formatRatio),
    measureRow('maximum drawdown', performance.maximumDrawdown, formatPercent),
    measureRow('Calmar', performance.calmar, formatRatio),
    measureRow('VaR 95', performance.valueAtRisk95, formatPercent),
    measureRow('CVaR 95', performance.conditionalValueAtRisk95, formatPercent),
  ]);
}
