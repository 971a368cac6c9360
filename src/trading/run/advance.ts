import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RuleAction, TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { AdvanceStrategyRunCommand } from '../../gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import {
  RunCandleSchema,
  StrategyRunAdvancedSchema,
  StrategySignalRaisedSchema,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { type Advice, createRuleEvaluator } from '../model/rules.ts';
import { type Posture, postureOf, type RunRelated, type RunStrategy } from './related.ts';
import { inputOf, type RunEvent, type Running } from './state.ts';

type Context = DecisionContext<RunRelated>;

/**
 * What the rules say of candles that have not been seen, and of the last of them the signal. While an
 * order of the run is at the venue, it waits: candles fill the order and advance the run at the same
 * time, and the one may be known before the other.
 */
export function advance(
  { candles }: AdvanceStrategyRunCommand,
  state: Running,
  context: Context,
): readonly RunEvent[] {
  const { id, related } = context;
  const { userId, last, terms } = state;
  const posture = postureOf(related.portfolio, terms.instrumentId);
  const fresh = candles.filter(({ start }) => last === undefined || Number(start) > last.start);
  const newest = fresh.at(-1);
  if (newest === undefined) return resumed(state, posture, context);
  const { strategy } = related;
  if (!isThere(strategy)) return [];
  const evaluator = createRuleEvaluator(strategy.rules, state.memory);
  let advice: Advice | undefined;
  for (const candle of fresh) advice = evaluator.next(inputOf(candle));
  const wanted = wantedOf(advice, state.waiting, strategy);
  const { raises, waits } = stanceOf(wanted, posture);
  const advanced = create(StrategyRunAdvancedSchema, {
    ...{ runId: id, userId },
    candles: fresh.map(({ start, close, volume }) =>
      create(RunCandleSchema, { start, close, volume }),
    ),
    remembered: evaluator.memory().length,
    waiting: waits ? wanted : RuleAction.UNSPECIFIED,
  });
  if (!raises) return [advanced];
  const at = { start: Number(newest.start), close: newest.close };
  return [advanced, raised(state, wanted, at, context)];
}

/** What has waited: the order before it may be settled now. */
function resumed(state: Running, posture: Posture, context: Context): readonly RunEvent[] {
  const { waiting, last } = state;
  const { strategy } = context.related;
  if (waiting === RuleAction.UNSPECIFIED || last === undefined || !isThere(strategy)) return [];
  const isEntry = waiting === RuleAction.ENTER_LONG;
  if (isEntry && strategy.lifecycle !== 'active') return [];
  return stanceOf(waiting, posture).raises ? [raised(state, waiting, last, context)] : [];
}

function isThere(strategy: RunRelated['strategy']): strategy is RunStrategy {
  return strategy !== undefined && 'rules' in strategy;
}

/**
 * What the rules say, or what waits since they said it: a crossing is true for one candle only, and an
 * order may take several. One that is paused leaves, and does not enter.
 */
function wantedOf(
  advice: Advice | undefined,
  waiting: RuleAction,
  { lifecycle }: RunStrategy,
): RuleAction {
  if (advice?.exit) return RuleAction.EXIT_LONG;
  const wanted = advice?.enter ? RuleAction.ENTER_LONG : waiting;
  return wanted === RuleAction.ENTER_LONG && lifecycle !== 'active'
    ? RuleAction.UNSPECIFIED
    : wanted;
}

/** One position at a time: what is held, or about to be, is not bought again. */
function stanceOf(wanted: RuleAction, { isHeld, isBuying, isSelling }: Posture) {
  const isSettled = !isBuying && !isSelling;
  switch (wanted) {
    case RuleAction.ENTER_LONG:
      return { raises: isSettled && !isHeld, waits: isSelling };
    case RuleAction.EXIT_LONG:
      return { raises: isSettled && isHeld, waits: isBuying };
    default:
      return { raises: false, waits: false };
  }
}

function raised(
  { terms }: Running,
  wanted: RuleAction,
  { start, close }: { readonly start: number; readonly close: string },
  { id, nowMs }: Context,
) {
  const { userId, strategyId, portfolioId, instrumentId, interval } = terms;
  const { goodForCandles, execution } = terms;
  const isEntry = wanted === RuleAction.ENTER_LONG;
  return create(StrategySignalRaisedSchema, {
    ...{ runId: id, userId, strategyId, portfolioId, instrumentId, interval, goodForCandles },
    side: isEntry ? TradeSide.BUY : TradeSide.SELL,
    fraction: isEntry ? terms.fraction : '1',
    atCandle: BigInt(start),
    close,
    ...(execution && { execution }),
    raisedAt: timestampFromMs(nowMs),
  });
}
