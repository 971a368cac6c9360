import type { Command } from 'commander';
import {
  type Drawdown,
  type GetPortfolioPerformanceAnswer,
  GetPortfolioPerformanceAnswerSchema,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { countArgument, dayArgument, uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatAmount, formatCount, formatPercent } from './format.ts';
import { formatRatio, type MeasureRow, measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';

type Options = {
  readonly from?: string;
  readonly to?: string;
  readonly riskFree?: string;
  readonly annualisation?: number;
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
    .action(bind(runPerformance));
}

async function runPerformance(
  { session, output }: Cli,
  portfolioId: string,
  { from = '', to = '', riskFree = '', annualisation = 0 }: Options,
): Promise<void> {
  const answer = await session.client(TradingQueryService).getPortfolioPerformance(
    {
      ...{ portfolioId, from, to, riskFreeRate: riskFree },
      annualisationFactor: annualisation,
    },
    session.limited,
  );
  if (output.json) output.document(fullJson(GetPortfolioPerformanceAnswerSchema, answer));
  else printPerformance(output, answer);
}

function printPerformance(output: Cli['output'], answer: GetPortfolioPerformanceAnswer): void {
  const amount = (text: string): string => `${formatAmount(text)} ${answer.currency}`;
  output.heading(`${answer.from} to ${answer.to}`);
  output.fields([
    ['priced at', answer.pricedAt],
    ['start value', amount(answer.startValue)],
    ['deposits', amount(answer.deposits)],
    ['withdrawals', amount(answer.withdrawals)],
    ['end value', amount(answer.endValue)],
    ['gain', amount(answer.gain)],
    ['daily returns', `${formatCount(answer.dailyReturns)}, after the first day`],
    ['carried prices', answer.carriedPrices > 0 ? formatCount(answer.carriedPrices) : ''],
    ['annualised by', `${answer.annualisationFactor} (${answer.annualisationBasis})`],
  ]);
  output.print('');
  printMeasures(output, measuresOf(answer));
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

function drawdownDates(drawdown: Drawdown | undefined): MeasureRow[] {
  if (drawdown?.value === undefined || drawdown.peakDate === '') return [];
  const { peakDate, troughDate, recoveryDate } = drawdown;
  return [
    ['  from its peak', peakDate, ''],
    ['  to its trough', troughDate, ''],
    ['  until it recovered', recoveryDate === '' ? 'not yet' : recoveryDate, ''],
  ];
}
