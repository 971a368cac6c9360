import type {
  BacktestResult,
  BacktestStarted,
  BacktestTrade,
  EquityPoint,
  RunBacktestAnswer,
} from '../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import type { ChartPoint } from './chart-series.ts';
import { CliError } from './exit-codes.ts';
import type { Progress } from './progress.ts';

/** All parts of the answer, put together. */
export type BacktestRun = {
  readonly started: BacktestStarted;
  readonly result: BacktestResult;
  readonly trades: readonly BacktestTrade[];
  readonly points: readonly EquityPoint[];
};

/** Takes the answers as they come. @throws CliError where they end too early */
export async function collectBacktest(
  answers: AsyncIterable<RunBacktestAnswer>,
  progress: Progress,
): Promise<BacktestRun> {
  let started: BacktestStarted | undefined;
  let result: BacktestResult | undefined;
  const trades: BacktestTrade[] = [];
  const points: EquityPoint[] = [];
  for await (const { part } of answers) {
    switch (part.case) {
      case 'started':
        started = part.value;
        break;
      case 'trades':
        trades.push(...part.value.trades);
        break;
      case 'equity':
        points.push(...part.value.points);
        break;
      case 'result':
        result = part.value;
        break;
      case 'progress': {
        const { done, candles, trades: made } = part.value;
        const total = done > 0 ? Math.round(Number(candles) / done) : 0;
        progress.update(Number(candles), total, `candles, ${made} trades`);
      }
    }
  }
  if (started === undefined || result === undefined) {
    throw new CliError('the answer of the server ended before the backtest was over');
  }
  return { started, result, trades, points };
}

export function equityOf({ points }: BacktestRun): readonly ChartPoint[] {
  return points.map(({ start, equity }) => ({ time: Number(start), value: Number(equity) }));
}

export function drawdownOf({ points }: BacktestRun): readonly ChartPoint[] {
  return points.map(({ start, drawdown }) => ({ time: Number(start), value: drawdown }));
}
