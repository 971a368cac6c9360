import {
  BacktestService,
  type RunBacktestQuery,
} from '../../../gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineRun, type Reader } from '../../../read/kit.ts';
import { candles } from '../candles/candles.ts';
import { instruments } from '../instruments/instruments.ts';
import type { Found } from '../reading.ts';
import { strategyRecord } from '../strategies/queries.ts';
import { strategies } from '../strategies/strategies.ts';
import { type Part, runParts } from './run.ts';
import { prepare, toStarted } from './setup.ts';

export const backtestQueries = [
  defineRun({
    method: BacktestService.method.runBacktest,
    views: [strategies, instruments, candles],
    record: strategyRecord,
    run: (query, { reader }, found) => answersOf(query, reader, found as Found),
  }),
];

async function* answersOf(
  query: RunBacktestQuery,
  reader: Reader,
  found: Found,
): AsyncGenerator<{ readonly part: Part } | Rejection | undefined> {
  const prepared = await prepare(query, reader, found);
  if (isRejection(prepared)) {
    yield prepared;
    return;
  }
  yield { part: { case: 'started', value: toStarted(query, prepared) } };
  for await (const part of runParts(reader, prepared)) yield part && { part };
}
