import type { Command } from 'commander';
import { addAttributionCommand } from './analysis-attribution.ts';
import { addBenchmarkCommand } from './analysis-benchmark.ts';
import { addCostBasisCommand } from './analysis-cost-basis.ts';
import { addDrawdownsCommand } from './analysis-drawdowns.ts';
import { addExposureCommand } from './analysis-exposure.ts';
import { addReturnsCommand } from './analysis-returns.ts';
import { addStrategyPerformanceCommand } from './analysis-strategy.ts';
import type { Bind } from './cli.ts';
import { addTradeStatisticsCommand } from './trade-statistics.ts';

/** `horizon analysis …`: what is computed of portfolios and strategies, a question a command. */
export function addAnalysisCommands(program: Command, bind: Bind): void {
  const analysis = program
    .command('analysis')
    .description('statistics of portfolios and strategies, each with its method');
  addReturnsCommand(analysis, bind);
  addDrawdownsCommand(analysis, bind);
  addExposureCommand(analysis, bind);
  addBenchmarkCommand(analysis, bind);
  addAttributionCommand(analysis, bind);
  addCostBasisCommand(analysis, bind);
  addStrategyPerformanceCommand(analysis, bind);
  addTradeStatisticsCommand(analysis, bind);
}
