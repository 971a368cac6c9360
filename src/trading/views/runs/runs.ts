import { toJson } from '@bufbuild/protobuf';
import {
  CandleIntervalSchema,
  RuleActionSchema,
  TradeSideSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { ExecutionModelSchema } from '../../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import {
  type StrategyRunAdvanced,
  StrategyRunAdvancedSchema,
  type StrategyRunStarted,
  StrategyRunStartedSchema,
  type StrategyRunStopped,
  StrategyRunStoppedSchema,
  type StrategySignalRaised,
  StrategySignalRaisedSchema,
} from '../../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { defineView } from '../../../projection/kit.ts';
import { nameOf } from '../enums.ts';
import { timeOf } from '../times.ts';

/** Enums are names without their prefix; instants milliseconds, candles seconds since 1970. */
export type RunDocument = {
  readonly userId: string;
  readonly strategyId: string;
  readonly portfolioId: string;
  readonly instrumentId: string;
  readonly interval: string;
  readonly fraction: string;
  readonly goodForCandles: number;
  readonly execution: JsonObject;
  readonly status: 'RUNNING' | 'STOPPED';
  readonly candles: number;
  readonly lastCandle?: number;
  readonly lastClose?: string;
  readonly waiting: string;
  readonly signals: number;
  readonly lastSignalSide?: string;
  readonly lastSignalCandle?: number;
  readonly startedAt: number;
  readonly stoppedAt?: number;
};

type RunChange = StrategyRunAdvanced | StrategySignalRaised | StrategyRunStopped;

const nothing = nameOf(RuleActionSchema, 0);

/** Every run of a strategy by its id. */
export const runs = defineView<RunDocument>({
  name: 'trading_strategy_runs',
  version: 1,
  schema: {
    userId: { kind: 'keyword', filter: true },
    strategyId: { kind: 'keyword', filter: true },
    portfolioId: { kind: 'keyword', filter: true },
    instrumentId: { kind: 'keyword' },
    interval: { kind: 'keyword' },
    fraction: { kind: 'decimal' },
    goodForCandles: { kind: 'integer' },
    execution: { kind: 'json' },
    status: { kind: 'keyword', filter: true },
    candles: { kind: 'integer' },
    lastCandle: { kind: 'integer' },
    lastClose: { kind: 'decimal' },
    waiting: { kind: 'keyword' },
    signals: { kind: 'integer' },
    lastSignalSide: { kind: 'keyword' },
    lastSignalCandle: { kind: 'integer' },
    startedAt: { kind: 'instant', sort: true },
    stoppedAt: { kind: 'instant' },
  },
  events: [
    StrategyRunStartedSchema,
    StrategyRunAdvancedSchema,
    StrategySignalRaisedSchema,
    StrategyRunStoppedSchema,
  ],
  ids: ({ message }) => [(message as StrategyRunStarted | RunChange).runId],
  project: (document, { message }) => {
    const event = message as StrategyRunStarted | RunChange;
    if (event.$typeName === 'cipherhorizon.trading.v1.StrategyRunStarted') return begun(event);
    if (document === undefined) throw new Error(`${event.$typeName} on no run`);
    return { ...document, ...changeBy(event, document) };
  },
});

function begun(event: StrategyRunStarted): RunDocument {
  const { userId, strategyId, portfolioId, instrumentId, fraction, goodForCandles } = event;
  const { execution } = event;
  return {
    ...{ userId, strategyId, portfolioId, instrumentId, fraction, goodForCandles },
    interval: nameOf(CandleIntervalSchema, event.interval),
    execution: execution ? (toJson(ExecutionModelSchema, execution) as JsonObject) : {},
    status: 'RUNNING',
    candles: 0,
    waiting: nothing,
    signals: 0,
    startedAt: timeOf(event.startedAt),
  };
}

function changeBy(event: RunChange, { candles, signals }: RunDocument): Partial<RunDocument> {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.StrategyRunAdvanced': {
      const last = event.candles.at(-1);
      return {
        candles: candles + event.candles.length,
        ...(last && { lastCandle: Number(last.start), lastClose: last.close }),
        waiting: nameOf(RuleActionSchema, event.waiting),
      };
    }
    case 'cipherhorizon.trading.v1.StrategySignalRaised':
      return {
        signals: signals + 1,
        lastSignalSide: nameOf(TradeSideSchema, event.side),
        lastSignalCandle: Number(event.atCandle),
        waiting: nothing,
      };
    case 'cipherhorizon.trading.v1.StrategyRunStopped':
      return { status: 'STOPPED', stoppedAt: timeOf(event.stoppedAt) };
  }
}
