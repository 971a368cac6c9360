import { toJson } from '@bufbuild/protobuf';
import { CandleInterval } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { SignalAcceptedSchema } from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderTermsSchema,
  ReservationLimitsSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { defineProcess, type ProcessDefinition, startedBy } from '../../process/kit.ts';
import { secondsOf } from '../model/interval.ts';
import {
  begin,
  complete,
  orderStep,
  ownStepMs,
  reserve,
  settle,
  type TradeSignalData,
} from './trade-signal-steps.ts';

// From an accepted signal to trades in the portfolio:
//
//     begin --> reserve --> order --> settle --> complete
//
// `order` waits for the venue to close the order, and fails where nothing of it was filled. What turns
// back cancels the order, records what it was filled with until then, frees the rest of the
// reservation, and tells the signal why it has failed.

/** Longer than the longest an order is good for: its candles, its delay, and some that come late. */
const longestOrderCandles = 20;

const names: readonly (readonly [CandleInterval, string])[] = [
  [CandleInterval.CANDLE_INTERVAL_1M, '1m'],
  [CandleInterval.CANDLE_INTERVAL_5M, '5m'],
  [CandleInterval.CANDLE_INTERVAL_15M, '15m'],
  [CandleInterval.CANDLE_INTERVAL_1H, '1h'],
  [CandleInterval.CANDLE_INTERVAL_4H, '4h'],
  [CandleInterval.CANDLE_INTERVAL_1D, '1d'],
];

/** One for each interval of candles: an order on daily candles may wait longer than one on minutes. */
export const tradeSignals: readonly ProcessDefinition[] = names.map(([interval, name]) =>
  tradeSignalOn(interval, `trade_signal_${name}`),
);

function tradeSignalOn(interval: CandleInterval, name: string): ProcessDefinition {
  const orderMs = longestOrderCandles * secondsOf(interval) * 1000 + ownStepMs;
  return defineProcess<TradeSignalData>({
    name,
    version: 1,
    starts: [
      startedBy({
        event: SignalAcceptedSchema,
        key: ({ signalId }) => signalId,
        data: ({ signalId, terms, limits, riskProfile }) => {
          if (terms === undefined || limits === undefined) return undefined;
          if (terms.interval !== interval) return undefined;
          const { portfolioId, orderId } = terms;
          return {
            ...{ signalId, portfolioId, orderId },
            terms: toJson(OrderTermsSchema, terms) as JsonObject,
            limits: toJson(ReservationLimitsSchema, limits) as JsonObject,
            cooldownSeconds: riskProfile?.cooldownSeconds ?? 0,
          };
        },
      }),
    ],
    timeLimitMs: orderMs + 4 * ownStepMs,
    actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
    steps: [begin, reserve, orderStep(orderMs), settle, complete],
  });
}
