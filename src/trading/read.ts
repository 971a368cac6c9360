import { AnalysisQueryService } from '../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { BacktestService } from '../gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { LeaderboardQueryService } from '../gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { TradingQueryService } from '../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { SignalQueryService } from '../gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { StrategyRunQueryService } from '../gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';
import type { ReadContext } from '../read/kit.ts';
import { analysisQueries } from './views/analysis/queries.ts';
import { backtestQueries } from './views/backtest/queries.ts';
import { candleQueries } from './views/candles/queries.ts';
import { instrumentQueries } from './views/instruments/queries.ts';
import { leaderboardQueries } from './views/leaderboards/queries.ts';
import { performanceQueries } from './views/performance/queries.ts';
import { portfolioQueries } from './views/portfolios/queries.ts';
import { runQueries } from './views/runs/queries.ts';
import { signalQueries } from './views/signals/queries.ts';
import { statisticsQueries } from './views/statistics/queries.ts';
import { combinedQueries } from './views/strategies/combined-query.ts';
import { strategyQueries } from './views/strategies/queries.ts';
import { tradeQueries } from './views/trades/queries.ts';

/** The read side of trading. */
export const tradingRead: ReadContext = {
  service: TradingQueryService,
  queries: [
    ...combinedQueries,
    ...strategyQueries,
    ...portfolioQueries,
    ...tradeQueries,
    ...performanceQueries,
    ...statisticsQueries,
    ...instrumentQueries,
    ...candleQueries,
  ],
};

/** What is computed of portfolios and strategies beyond their performance. */
export const analysisRead: ReadContext = {
  service: AnalysisQueryService,
  queries: analysisQueries,
};

/** Portfolios beside one another. */
export const leaderboardRead: ReadContext = {
  service: LeaderboardQueryService,
  queries: leaderboardQueries,
};

/** Strategies over recorded candles. */
export const backtestRead: ReadContext = {
  service: BacktestService,
  queries: backtestQueries,
};

/** Signals, their orders, and what became of them. */
export const signalRead: ReadContext = {
  service: SignalQueryService,
  queries: signalQueries,
};

/** Strategies that run by themselves. */
export const runRead: ReadContext = {
  service: StrategyRunQueryService,
  queries: runQueries,
};
