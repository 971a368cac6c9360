import type { DescMethod, MessageInitShape } from '@bufbuild/protobuf';
import {
  SeriesBucket,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { call, clientOf } from './grpc.ts';
import { benchPortfolioId as portfolioId } from './portfolio-log.ts';

const { method } = TradingQueryService;

export type Question = 'portfolio' | 'performance' | 'value series' | 'trades';

/** So that the next call finds the connection open. */
export async function connect({ address }: { readonly address: string }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    clientOf(address).waitForReady(Date.now() + 10_000, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** How long each of so many answers took, one after the other, each to be worked out anew. */
export async function timeAnswers(input: {
  readonly address: string;
  readonly question: Question;
  readonly count: number;
}): Promise<readonly number[]> {
  const { address, question, count } = input;
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await ask(address, question, i);
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** What the answers are about, to be seen that there is something in them. */
export async function inspectPortfolio({ address }: { readonly address: string }) {
  const { portfolio } = await call(address, method.getPortfolio, { portfolioId });
  const performance = await call(address, method.getPortfolioPerformance, { portfolioId });
  return {
    positions: portfolio?.positions.length ?? 0,
    returns: performance.dailyReturns,
    sharpe: performance.sharpe?.value,
  };
}

/** Answers are kept until a view moves: each time the question is another one. */
async function ask(address: string, question: Question, index: number): Promise<void> {
  const send = async <Method extends DescMethod>(
    rpc: Method,
    request: MessageInitShape<Method['input']>,
  ) => {
    await call(address, rpc, request);
  };
  switch (question) {
    case 'portfolio':
      return send(method.getPortfolio, { portfolioId });
    case 'performance':
      return send(method.getPortfolioPerformance, {
        ...{ portfolioId, riskFreeRate: `0.${String(index + 1).padStart(6, '0')}` },
      });
    case 'value series':
      return send(method.getPortfolioValueSeries, {
        ...{ portfolioId, from: dayOf(index), bucket: SeriesBucket.DAY },
      });
    case 'trades':
      return send(method.listTrades, { portfolioId, page: { pageSize: 50 } });
  }
}

function dayOf(index: number): string {
  return new Date(Date.UTC(2022, 0, 2 + index)).toISOString().slice(0, 10);
}
