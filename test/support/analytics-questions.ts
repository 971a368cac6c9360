import { type DescMethodUnary, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import type { ReadConsistencySchema } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { ProcessQueryService } from '../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import {
  AnalysisQueryService,
  EpisodeSort,
  LotState,
  ReturnBucket,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import {
  LeaderboardMeasure,
  LeaderboardQueryService,
  LeaderboardWindow,
} from '../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { CandleInterval } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  RoundTripGrouping,
  SeriesBucket,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { SignalQueryService } from '../../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { StrategyRunQueryService } from '../../src/gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';
import { comparable, type Json } from './analytics-compare.ts';
import { userId } from './analytics-story.ts';
import type { ServerProcess } from './server-processes.ts';

// Everything that can be asked of the story of a desk.

export type Asked = {
  readonly mixed: string;
  readonly hours: string;
  readonly live: string;
  readonly strategies: readonly string[];
  readonly runId: string;
};

export type Question = {
  readonly method: DescMethodUnary;
  readonly query: { readonly [field: string]: unknown };
  /** The name of the list that comes in pages, and how many are on one. */
  readonly paged?: readonly [list: string, pageSize: number];
};

const analysis = AnalysisQueryService.method;
const trading = TradingQueryService.method;

const numbersOf = (all: { readonly [name: string]: number | string }) =>
  Object.values(all).filter((value) => typeof value === 'number');

function ofPortfolio(portfolioId: string): Question[] {
  const ask = (method: DescMethodUnary, more: object = {}): Question => ({
    method,
    query: { portfolioId, ...more },
  });
  const paged = (list: string, pageSize: number, question: Question): Question => ({
    ...question,
    paged: [list, pageSize],
  });
  const part = { from: '2015-01-15', to: '2015-03-12' };
  const buckets = numbersOf(ReturnBucket).filter((bucket) => bucket !== ReturnBucket.HOUR);
  return [
    ...buckets.map((bucket) => ask(analysis.getPortfolioReturns, { bucket })),
    ask(analysis.getPortfolioReturns, { bucket: ReturnBucket.WEEK, ...part }),
    ask(analysis.getPortfolioReturns, {
      ...{ bucket: ReturnBucket.HOUR, from: '2015-02-28', to: '2015-03-05' },
    }),
    ...numbersOf(EpisodeSort).map((sort) =>
      paged('episodes', 2, ask(analysis.listDrawdownEpisodes, { sort })),
    ),
    ask(analysis.listDrawdownEpisodes, { leastDepth: '0.05', ...part }),
    ask(analysis.getPortfolioExposure),
    ask(analysis.getPortfolioExposure, part),
    ...['BTC-USD', 'ACM-USD', 'BTC-EUR'].map((benchmarkId) =>
      ask(analysis.compareWithBenchmark, { benchmarkId, riskFreeRate: '0.02' }),
    ),
    ask(analysis.getAttribution),
    ask(analysis.getAttribution, part),
    ...[false, true].flatMap((descending) =>
      numbersOf(LotState).map((state) =>
        paged('lots', 2, ask(analysis.listCostBasis, { state, descending })),
      ),
    ),
    ask(analysis.listCostBasis, { instrumentId: 'BTC-USD', ...part }),
    ask(trading.getPortfolioPerformance),
    ask(trading.getPortfolioPerformance, {
      ...part,
      riskFreeRate: '0.01',
      annualisationFactor: 252,
    }),
    ...numbersOf(SeriesBucket).map((bucket) => ask(trading.getPortfolioValueSeries, { bucket })),
    ...numbersOf(RoundTripGrouping).map((grouping) =>
      ask(trading.getPortfolioTradeStatistics, { grouping }),
    ),
    paged('trades', 3, ask(trading.listTrades)),
    paged('trades', 3, ask(trading.listTrades, { descending: true })),
    ask(trading.getPortfolio),
  ];
}

function ofStrategy(strategyId: string): Question[] {
  return [
    { method: analysis.getStrategyPerformance, query: { strategyId } },
    {
      method: analysis.getStrategyPerformance,
      query: { strategyId, instrumentId: 'BTC-USD', from: '2015-01-25', to: '2015-03-01' },
    },
    { method: trading.getStrategyTradeStatistics, query: { strategyId } },
    { method: trading.tradingStrategy, query: { userId, strategyId } },
    {
      method: SignalQueryService.method.listSignals,
      ...{ query: { userId, strategyId }, paged: ['signals', 3] },
    },
    { method: StrategyRunQueryService.method.listStrategyRuns, query: { userId, strategyId } },
  ];
}

/** By every measure over every window, from both ends; then what is special. */
export function ofBoards(): Question[] {
  const board = (query: object): Question => ({
    ...{ method: LeaderboardQueryService.method.listLeaderboard, query: { ...query } },
  });
  const usd = { baseCurrency: 'USD' };
  const matrix = numbersOf(LeaderboardWindow).flatMap((window) =>
    numbersOf(LeaderboardMeasure).flatMap((sort) =>
      [false, true].map((worstFirst) => board({ window, sort, worstFirst, filter: usd })),
    ),
  );
  const inPages = [1, 2, 3].map((size) => ({ ...board({}), paged: ['entries', size] as const }));
  return [
    ...matrix,
    ...inPages,
    { ...board({ worstFirst: true, filter: usd }), paged: ['entries', 2] },
    { ...board({ userId: 'carol' }), paged: ['entries', 1] },
    ...['local', 'ann', 'bob', 'carol', 'dora', 'nobody'].map((owner) => board({ userId: owner })),
    ...['tea', 'te', 'cofee', 'creme', 'CRÈME', 'espreso', 'mint tea', 'cup', 'zzz'].flatMap(
      (name) => [
        board({ name }),
        board({ name, worstFirst: true, filter: usd, page: { pageSize: 2 } }),
        board({ name, userId: 'carol' }),
      ],
    ),
    board({ filter: { ...usd, profit: { min: '-100', max: '0' } } }),
    board({ filter: { timeWeightedReturn: { min: -0.02 }, minDailyReturns: 20 } }),
    board({ filter: { maximumDrawdown: { min: -0.1 }, asOfFrom: '2015-04-01' } }),
    board({ filter: { sharpe: { max: 0 }, winRate: { min: 0, max: 1 } } }),
    board({ filter: { minDailyReturns: 180 } }),
    board({ sort: LeaderboardMeasure.WIN_RATE, filter: { baseCurrency: 'EUR' } }),
    board({ userId: 'bob', filter: { ...usd, timeWeightedReturn: { max: 0 } } }),
  ];
}

export function allQuestions({ mixed, hours, live, strategies, runId }: Asked): Question[] {
  const candles = (instrumentId: string, interval: CandleInterval): Question => ({
    ...{ method: trading.listCandles, query: { instrumentId, interval }, paged: ['candles', 40] },
  });
  return [
    ...[mixed, hours, live].flatMap(ofPortfolio),
    ...strategies.flatMap(ofStrategy),
    { method: StrategyRunQueryService.method.getStrategyRun, query: { runId } },
    candles('BTC-USD', CandleInterval.CANDLE_INTERVAL_1D),
    candles('ETH-USD', CandleInterval.CANDLE_INTERVAL_1H),
    { method: ProcessQueryService.method.listProcesses, query: {}, paged: ['processes', 4] },
    ...ofBoards(),
  ];
}

/** All pages of an answer. */
export async function answersTo(
  read: ServerProcess,
  { method, query, paged }: Question,
  consistency: MessageInitShape<typeof ReadConsistencySchema> = {},
): Promise<Json> {
  const client = read.client(method.parent) as unknown as {
    readonly [name: string]: (query: object) => Promise<never>;
  };
  const pages: Json[] = [];
  let cursor = '';
  do {
    const page = paged === undefined ? {} : { page: { pageSize: paged[1], cursor } };
    const answer = await client[method.localName]?.({ ...query, ...page, consistency });
    const json = toJson(method.output, answer as never) as { readonly [name: string]: Json };
    pages.push(comparable(json));
    cursor = (json.page as { readonly nextCursor?: string } | undefined)?.nextCursor ?? '';
  } while (paged !== undefined && cursor !== '');
  return pages;
}
