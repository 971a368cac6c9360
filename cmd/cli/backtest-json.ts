import type { JsonValue } from '@bufbuild/protobuf';
import {
  BacktestResultSchema,
  BacktestStartedSchema,
  BacktestTradeSchema,
  EquityPointSchema,
} from '../../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import type { BacktestRun } from './backtest-answer.ts';
import { fullJson } from './output.ts';

/** The parts of the answer as one document. */
export function backtestJson({ started, trades, points, result }: BacktestRun): JsonValue {
  return {
    started: fullJson(BacktestStartedSchema, started),
    trades: trades.map((trade) => fullJson(BacktestTradeSchema, trade)),
    equity: points.map((point) => fullJson(EquityPointSchema, point)),
    result: fullJson(BacktestResultSchema, result),
  };
}
