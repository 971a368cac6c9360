import { fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import type {
  StrategyActivated,
  StrategyCreated,
  StrategyDeleted,
  StrategyPaused,
  StrategyUpdated,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  type RiskProfile,
  RiskProfileSchema,
  type TradingRule,
  TradingRuleSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { nameKey } from './name.ts';

export type StrategyEvent =
  | StrategyCreated
  | StrategyUpdated
  | StrategyActivated
  | StrategyPaused
  | StrategyDeleted;

/** What a user says about a strategy, decimals in canonical text. */
export type StrategyTerms = {
  readonly name: string;
  readonly rules: readonly TradingRule[];
  readonly riskProfile: RiskProfile;
};

export type LiveStrategy = {
  readonly lifecycle: 'draft' | 'active' | 'paused';
  readonly userId: string;
} & StrategyTerms;

/**
 *     absent --create--> draft --activate--> active --pause--> paused --activate--> active
 *     draft, active, paused --update--> as before
 *     draft, active, paused --delete--> deleted, for ever
 */
export type StrategyState =
  | { readonly lifecycle: 'absent' }
  | LiveStrategy
  | { readonly lifecycle: 'deleted'; readonly userId: string };

export const initial: StrategyState = { lifecycle: 'absent' };

export function evolve(state: StrategyState, event: StrategyEvent): StrategyState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.StrategyCreated':
      return { lifecycle: 'draft', userId: event.userId, ...termsOf(event) };
    case 'cipherhorizon.trading.v1.StrategyUpdated':
      return { ...live(state, event), ...termsOf(event) };
    case 'cipherhorizon.trading.v1.StrategyActivated':
      return { ...live(state, event), lifecycle: 'active' };
    case 'cipherhorizon.trading.v1.StrategyPaused':
      return { ...live(state, event), lifecycle: 'paused' };
    case 'cipherhorizon.trading.v1.StrategyDeleted':
      return { lifecycle: 'deleted', userId: event.userId };
  }
}

function termsOf(event: StrategyCreated | StrategyUpdated): StrategyTerms {
  const { strategyName: name, rules, riskProfile } = event;
  if (riskProfile === undefined) throw new Error(`${event.$typeName} without a risk profile`);
  return { name, rules, riskProfile };
}

function live(state: StrategyState, event: StrategyEvent): LiveStrategy {
  if (state.lifecycle === 'absent' || state.lifecycle === 'deleted') {
    throw new Error(`${event.$typeName} on a strategy that is ${state.lifecycle}`);
  }
  return state;
}

export function ownerOf(state: StrategyState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.userId;
}

export function keysOf(state: StrategyState): readonly string[] {
  switch (state.lifecycle) {
    case 'absent':
    case 'deleted':
      return [];
    case 'draft':
    case 'active':
    case 'paused':
      return [nameKey(state.userId, state.name)];
  }
}

export const snapshot = {
  version: 1,
  toJson: (state: StrategyState): JsonValue => {
    if (state.lifecycle === 'absent' || state.lifecycle === 'deleted') return state;
    return {
      ...state,
      rules: state.rules.map((rule) => toJson(TradingRuleSchema, rule) as JsonValue),
      riskProfile: toJson(RiskProfileSchema, state.riskProfile) as JsonValue,
    };
  },
  fromJson: (json: JsonValue): StrategyState => {
    const { rules, riskProfile, ...state } = json as JsonObject;
    if (rules === undefined) return state as StrategyState;
    return {
      ...(state as Omit<LiveStrategy, 'rules' | 'riskProfile'>),
      rules: (rules as ProtoJson[]).map((rule) => fromJson(TradingRuleSchema, rule)),
      riskProfile: fromJson(RiskProfileSchema, riskProfile as ProtoJson),
    };
  },
};
