import { CandleInterval } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  OrderStatus,
  SignalStatus,
} from '../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { SignalQueryService } from '../../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { StrategyRunCommandService } from '../../src/gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import { StrategyRunQueryService } from '../../src/gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';
import { decimal } from '../../src/kernel/decimal.ts';
import { runBacktest } from '../../src/trading/model/backtest.ts';
import { defaultFillModel } from '../../src/trading/model/fills.ts';
import { riskLimitsOf } from '../../src/trading/model/risk.ts';
import {
  bitcoinTerms,
  type CandleRow,
  liveCash,
  liveRows,
  liveRules,
  type Teller,
  userId,
} from './analytics-story.ts';
import { bitcoinCandles } from './bitcoin-candles.ts';
import { eventually } from './clients.ts';
import type { ServerProcess } from './server-processes.ts';

// A strategy that trades by itself on candles that come in: run, signal, reservation, venue,
// settlement, over servers as they run.

const interval = CandleInterval.CANDLE_INTERVAL_1D;
const patience = { seconds: 30n };
/** On a busy machine each step takes its time. */
const busyMs = 120_000;

/** What the run has to come to: the model of backtests over the same candles. */
export function expectedRun() {
  return runBacktest(
    {
      ...{ rules: liveRules, limits: riskLimitsOf({} as never), model: defaultFillModel },
      instrument: {
        tickSize: decimal(bitcoinTerms.tickSize),
        lotSize: decimal(bitcoinTerms.lotSize),
        minimumOrderSize: decimal(bitcoinTerms.minimumOrderSize),
      },
      ...{ cash: decimal(liveCash), fraction: decimal('1'), from: 0 },
    },
    bitcoinCandles().slice(0, liveRows.length),
  );
}

/** Cut so that each signal is raised by the last candle of a part, and filled by the next part. */
function partsOf(rows: readonly CandleRow[], filledBy: ReadonlySet<number>) {
  const parts: { readonly rows: CandleRow[]; readonly fills: boolean; readonly raises: boolean }[] =
    [];
  let part: CandleRow[] = [];
  for (const [at, row] of rows.entries()) {
    part.push(row);
    const next = rows[at + 1];
    const fills = filledBy.has(row.start);
    const raises = next !== undefined && filledBy.has(next.start);
    if (!fills && !raises && next !== undefined) continue;
    parts.push({ rows: part, fills, raises });
    part = [];
  }
  return parts;
}

export async function tellRun(teller: Teller, write: ServerProcess, read: ServerProcess) {
  const portfolioId = await teller.open('Live');
  await teller.deposit(portfolioId, liveCash, '2014-11-30T00:00:00Z');
  const strategyId = await teller.strategy('Crossover', liveRules);
  const runs = write.client(StrategyRunCommandService);
  const { aggregateId: runId } = await runs.startStrategyRun({
    ...{ userId, strategyId, portfolioId, instrumentId: 'BTC-USD', interval },
    metadata: teller.metadata(),
  });
  const { trades } = expectedRun();
  let signals = 0;
  for (const part of partsOf(liveRows, new Set(trades.map(({ at }) => at)))) {
    const recorded = await teller.candles('BTC-USD', interval, part.rows);
    const consistency = { atLeastAsFreshAs: recorded.consistencyToken, patience };
    if (part.raises) signals += 1;
    const upTo = BigInt(part.rows.at(-1)?.start ?? 0);
    await eventually(async () => {
      const { run } = await read
        .client(StrategyRunQueryService)
        .getStrategyRun({ runId, consistency });
      if (run?.lastCandle !== upTo) throw new Error(`the run is at ${run?.lastCandle}`);
      if (!part.fills && !part.raises) return;
      const list = await read
        .client(SignalQueryService)
        .listSignals({ userId, portfolioId, consistency });
      const newest = list.signals[0];
      const seen = `${list.signals.length} of ${signals}: ${newest?.status} ${newest?.orderStatus}`;
      if (list.signals.length !== signals) throw new Error(seen);
      const isPlaced = newest?.orderStatus === OrderStatus.OPEN;
      const isSettled = newest?.status === SignalStatus.SETTLED;
      if (part.raises ? !isPlaced : !isSettled) throw new Error(seen);
    }, busyMs);
  }
  return {
    portfolioId,
    strategyId,
    runId,
    stop: () => runs.stopStrategyRun({ runId, metadata: teller.metadata() }),
  };
}
