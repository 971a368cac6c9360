import { fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { RuleAction } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type RunCandle,
  type StrategyRunAdvanced,
  type StrategyRunStarted,
  StrategyRunStartedSchema,
  type StrategyRunStopped,
  type StrategySignalRaised,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { IndicatorInput } from '../model/indicators.ts';
import type { Memory } from '../model/rules.ts';

export type RunEvent =
  | StrategyRunStarted
  | StrategyRunAdvanced
  | StrategySignalRaised
  | StrategyRunStopped;

/** What a run is about: without candles, which the memory has. */
export type RunTerms = StrategyRunStarted;

export type Running = {
  readonly lifecycle: 'running';
  readonly userId: string;
  readonly terms: RunTerms;
  /** Of the rules: how they go on. */
  readonly memory: Memory;
  /** The last candle, its start in seconds since 1970; undefined before the first. */
  readonly last: { readonly start: number; readonly close: string } | undefined;
  /** What the rules want at the last candle, while the run's order before it is not settled. */
  readonly waiting: RuleAction;
};

/**
 *     absent --started--> running --stopped--> stopped, for ever
 *
 * While it runs, candles advance it, and what its rules say of the last one raises signals.
 */
export type RunState =
  | { readonly lifecycle: 'absent' }
  | Running
  | { readonly lifecycle: 'stopped'; readonly userId: string };

export const initial: RunState = { lifecycle: 'absent' };

export function evolve(state: RunState, event: RunEvent): RunState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.StrategyRunStarted': {
      const { candles, ...terms } = event;
      return {
        lifecycle: 'running',
        userId: event.userId,
        terms: { ...terms, candles: [] },
        memory: candles.map(inputOf),
        last: lastOf(candles),
        waiting: RuleAction.UNSPECIFIED,
      };
    }
    case 'cipherhorizon.trading.v1.StrategyRunAdvanced': {
      const before = running(state, event);
      const { candles, remembered, waiting } = event;
      const memory = [...before.memory, ...candles.map(inputOf)].slice(-remembered);
      return { ...before, memory, last: lastOf(candles) ?? before.last, waiting };
    }
    case 'cipherhorizon.trading.v1.StrategySignalRaised':
      return { ...running(state, event), waiting: RuleAction.UNSPECIFIED };
    case 'cipherhorizon.trading.v1.StrategyRunStopped':
      return { lifecycle: 'stopped', userId: event.userId };
  }
}

/** Indicators are statistics: doubles. */
export function inputOf({ close, volume }: Pick<RunCandle, 'close' | 'volume'>): IndicatorInput {
  return { close: Number(close), volume: Number(volume) };
}

function lastOf(candles: readonly RunCandle[]): Running['last'] {
  const last = candles.at(-1);
  return last && { start: Number(last.start), close: last.close };
}

function running(state: RunState, event: RunEvent): Running {
  if (state.lifecycle === 'running') return state;
  throw new Error(`${event.$typeName} on a run that is ${state.lifecycle}`);
}

export function ownerOf(state: RunState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.userId;
}

export const snapshot = {
  version: 1,
  toJson: (state: RunState): JsonValue => {
    if (state.lifecycle !== 'running') return state;
    const { terms, memory, last, ...more } = state;
    return {
      ...more,
      terms: toJson(StrategyRunStartedSchema, terms) as JsonValue,
      memory: memory.map(({ close, volume }) => [close, volume]),
      ...(last !== undefined && { last }),
    };
  },
  fromJson: (json: JsonValue): RunState => {
    const { lifecycle } = json as { readonly lifecycle: RunState['lifecycle'] };
    if (lifecycle !== 'running') return json as unknown as RunState;
    const { terms, memory, ...more } = json as JsonObject;
    return {
      last: undefined,
      ...(more as unknown as Omit<Running, 'terms' | 'memory' | 'last'>),
      terms: fromJson(StrategyRunStartedSchema, terms as ProtoJson),
      memory: (memory as unknown as readonly (readonly [number, number])[]).map(
        ([close, volume]) => ({ close, volume }),
      ),
    };
  },
};
