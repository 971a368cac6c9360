import { type Command, Option } from 'commander';
import { CostBasisMethodSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  GetPortfolioTradeStatisticsAnswerSchema,
  GetStrategyTradeStatisticsAnswerSchema,
  RoundTripGrouping,
  type TradeStatistics,
  type TradeStreak,
  TradeStreakKindSchema,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatAmount, formatCount, formatPercent, formatTime } from './format.ts';
import {
  formatHolding,
  formatRatio,
  formatStatistic,
  measureRow,
  printMeasures,
} from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

type Options = PeriodOptions & {
  readonly instrument?: string;
  readonly strategy?: string;
  readonly portfolio?: string;
  readonly by: 'lot' | 'sale';
};

const groupings = { lot: RoundTripGrouping.LOT, sale: RoundTripGrouping.SALE };

export function addTradeStatisticsCommand(analysis: Command, bind: Bind): void {
  const own = analysis
    .command('trades')
    .description('closed trades of a portfolio: won and lost, expectancy, holding times, streaks')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .option('--strategy <id>', 'only those whose sale is of the strategy', uuidArgument)
    .action(bind(runPortfolio));
  addOptions(own);
  const ofStrategy = analysis
    .command('strategy-trades')
    .description('the same of a strategy, over all portfolios, by currency')
    .argument('<id>', 'of the strategy', uuidArgument)
    .option('--portfolio <id>', 'only those in the portfolio', uuidArgument)
    .action(bind(runStrategy));
  addOptions(ofStrategy);
}

function addOptions(command: Command): void {
  addPeriodOptions(command)
    .option('--instrument <id>', 'only those of the instrument')
    .addOption(
      new Option('--by <what>', 'a trade is what a sale took from one lot, or the whole sale')
        .choices(Object.keys(groupings))
        .default('lot'),
    );
}

const filterOf = ({ from = '', to = '', instrument: instrumentId = '', by }: Options) => {
  return { from, to, instrumentId, grouping: groupings[by] };
};

async function runPortfolio(
  { session, output }: Cli,
  portfolioId: string,
  options: Options,
): Promise<void> {
  const answer = await session
    .client(TradingQueryService)
    .getPortfolioTradeStatistics(
      { portfolioId, strategyId: options.strategy ?? '', ...filterOf(options) },
      session.limited,
    );
  if (output.json) output.document(fullJson(GetPortfolioTradeStatisticsAnswerSchema, answer));
  else if (answer.statistics !== undefined) print(output, answer.statistics);
}

async function runStrategy(
  { session, output }: Cli,
  strategyId: string,
  options: Options,
): Promise<void> {
  const answer = await session
    .client(TradingQueryService)
    .getStrategyTradeStatistics(
      { strategyId, portfolioId: options.portfolio ?? '', ...filterOf(options) },
      session.limited,
    );
  if (output.json) {
    return output.document(fullJson(GetStrategyTradeStatisticsAnswerSchema, answer));
  }
  if (answer.statistics.length === 0) output.note('the strategy has no trades');
  for (const [at, statistics] of answer.statistics.entries()) {
    if (at > 0) output.print('');
    print(output, statistics);
  }
}

function print(output: Cli['output'], statistics: TradeStatistics): void {
  const { currency, closedTrades, wins, losses, draws, costBasisMethod } = statistics;
  const amount = (text: string | undefined): string =>
    text === undefined ? '' : `${formatAmount(text)} ${currency}`;
  const lots =
    costBasisMethod === 0
      ? 'several methods'
      : enumLabel(CostBasisMethodSchema, costBasisMethod).toUpperCase();
  output.heading(`${formatCount(closedTrades)} closed trades in ${currency}`);
  output.fields([
    ['a trade is', `${statistics.groupingMethod} (${lots})`],
    ['won', formatCount(wins)],
    ['lost', formatCount(losses)],
    ['draws', formatCount(draws)],
    ['gross profit', amount(statistics.grossProfit)],
    ['gross loss', amount(statistics.grossLoss)],
    ['net gain', amount(statistics.netGain)],
    ['largest win', amount(statistics.largestWin)],
    ['largest loss', amount(statistics.largestLoss)],
    ['longest winning streak', streak(statistics.longestWinning, currency)],
    ['longest losing streak', streak(statistics.longestLosing, currency)],
    ['latest streak', streak(statistics.latest, currency)],
  ]);
  output.print('');
  printMeasures(output, measuresOf(statistics));
}

function measuresOf(statistics: TradeStatistics) {
  return [
    measureRow('win rate', statistics.winRate, formatPercent),
    measureRow('profit factor', statistics.profitFactor, formatRatio),
    measureRow('expectancy', statistics.expectancy, formatStatistic),
    measureRow('average win', statistics.averageWin, formatStatistic),
    measureRow('average loss', statistics.averageLoss, formatStatistic),
    measureRow('payoff ratio', statistics.payoffRatio, formatRatio),
    measureRow('mean return', statistics.meanReturn, formatPercent),
    measureRow('mean holding', statistics.meanHolding, formatHolding),
    measureRow('median holding', statistics.medianHolding, formatHolding),
    measureRow('shortest holding', statistics.shortestHolding, formatHolding),
    measureRow('longest holding', statistics.longestHolding, formatHolding),
    measureRow('holding of wins', statistics.meanHoldingOfWins, formatHolding),
    measureRow('holding of losses', statistics.meanHoldingOfLosses, formatHolding),
  ];
}

function streak(found: TradeStreak | undefined, currency: string): string {
  if (found === undefined) return '';
  const { kind, length, from, to, gain } = found;
  const days = [...new Set([from, to].map((time) => formatTime(time).slice(0, 10)))].join(' to ');
  const what = enumLabel(TradeStreakKindSchema, kind);
  return `${length} (${what}), ${days}: ${formatAmount(gain)} ${currency}`;
}
