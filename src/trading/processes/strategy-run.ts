import { create } from '@bufbuild/protobuf';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { ExecuteTradeSignalCommandSchema } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { SignalSettledSchema } from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { SignalOrigin } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { AdvanceStrategyRunCommandSchema } from '../../gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import {
  type StrategyRunStarted,
  StrategyRunStartedSchema,
  StrategyRunStoppedSchema,
  StrategySignalRaisedSchema,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import { closesBy, definePolicy, opensBy, reactsTo } from '../../process/kit.ts';
import { seriesKey } from './paper-venue.ts';

type Run = { readonly strategyId: string; readonly portfolioId: string; readonly userId: string };

/** A run is interested from its start to its stop. */
function whileRunning(keyOf: (started: StrategyRunStarted) => string) {
  return {
    opens: [
      opensBy({
        event: StrategyRunStartedSchema,
        interest: (started) => {
          const { runId, strategyId, portfolioId, userId } = started;
          return { target: runId, key: keyOf(started), data: { strategyId, portfolioId, userId } };
        },
      }),
    ],
    closes: [closesBy({ event: StrategyRunStoppedSchema, target: ({ runId }) => runId })],
  };
}

/** Shows recorded candles to the runs of their series. */
export const strategyRunPolicy = definePolicy<Run>({
  name: 'strategy_run',
  ...whileRunning(({ instrumentId, interval }) => seriesKey(instrumentId, interval)),
  on: [
    reactsTo({
      event: CandlesRecordedSchema,
      key: ({ instrumentId, interval }) => seriesKey(instrumentId, interval),
      command: ({ target: runId, data: { strategyId, portfolioId } }, { candles }) => ({
        schema: AdvanceStrategyRunCommandSchema,
        build: () =>
          create(AdvanceStrategyRunCommandSchema, { runId, strategyId, portfolioId, candles }),
      }),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
});

/** What a run wants becomes a signal of its user. */
export const strategySignalPolicy = definePolicy<Run>({
  name: 'strategy_signal',
  ...whileRunning(({ runId }) => runId),
  on: [
    reactsTo({
      event: StrategySignalRaisedSchema,
      key: ({ runId }) => runId,
      command: (_interest, raised) => {
        const { userId, strategyId, portfolioId, instrumentId, interval, side } = raised;
        const { goodForCandles, atCandle, execution, fraction } = raised;
        return {
          schema: ExecuteTradeSignalCommandSchema,
          build: () =>
            create(ExecuteTradeSignalCommandSchema, {
              ...{ userId, strategyId, portfolioId, instrumentId, interval, side },
              ...{ goodForCandles, atCandle, origin: SignalOrigin.RULE },
              size: { case: 'fraction', value: fraction },
              ...(execution && { execution }),
            }),
        };
      },
    }),
  ],
  // Of the user, whoever has started the run; and a process, which may name the candle.
  actsAs: ({ data: { userId } }) => ({ subject: userId, roles: ['user', 'process'] }),
});

/** A signal that is settled may be what the run of its instrument and portfolio waits for. */
export const strategyRunFollowUpPolicy = definePolicy<Run>({
  name: 'strategy_run_follow_up',
  ...whileRunning(({ portfolioId, instrumentId }) => `${portfolioId}/${instrumentId}`),
  on: [
    reactsTo({
      event: SignalSettledSchema,
      key: ({ terms }) => terms && `${terms.portfolioId}/${terms.instrumentId}`,
      command: ({ target: runId, data: { strategyId, portfolioId } }) => ({
        schema: AdvanceStrategyRunCommandSchema,
        build: () => create(AdvanceStrategyRunCommandSchema, { runId, strategyId, portfolioId }),
      }),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
});
