import { fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { RiskProfileSchema } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { OrderTermsSchema } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { decimal, toText } from '../../kernel/decimal.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { initial, type Leaving, type SignalState, type WatchedExits } from './state.ts';

type ExitsJson = {
  readonly entry: string;
  readonly quantity: string;
  readonly best: string;
  readonly lastCandle: number;
  readonly boughtAt: number;
  readonly attempts: number;
  readonly leaving: Leaving | null;
};

type StoredJson = {
  readonly lifecycle: 'accepted' | 'executing' | 'failed' | 'settled';
  readonly terms: ProtoJson;
  readonly riskProfile: ProtoJson;
  readonly exits: ExitsJson | null;
};

export const snapshot = {
  version: 2,
  toJson: (state: SignalState): JsonValue => {
    if (state.lifecycle === 'absent') return state;
    const exits = state.lifecycle === 'settled' ? state.exits : undefined;
    return {
      lifecycle: state.lifecycle,
      terms: toJson(OrderTermsSchema, state.terms) as JsonValue,
      riskProfile: toJson(RiskProfileSchema, state.riskProfile) as JsonValue,
      exits: exits === undefined ? null : exitsToJson(exits),
    };
  },
  fromJson: (json: JsonValue): SignalState => {
    const state = json as { readonly lifecycle: 'absent' } | StoredJson;
    if (state.lifecycle === 'absent') return initial;
    const signal = {
      terms: fromJson(OrderTermsSchema, state.terms),
      riskProfile: fromJson(RiskProfileSchema, state.riskProfile),
    };
    const { lifecycle, exits } = state;
    if (lifecycle !== 'settled') return { lifecycle, ...signal };
    return { lifecycle, ...signal, exits: exits === null ? undefined : exitsFromJson(exits) };
  },
};

function exitsToJson(exits: WatchedExits): ExitsJson & JsonValue {
  const { entry, quantity, best } = exits;
  const texts = { entry: toText(entry), quantity: toText(quantity), best: toText(best) };
  return { ...exits, ...texts, leaving: exits.leaving ?? null };
}

function exitsFromJson(exits: ExitsJson): WatchedExits {
  const { entry, quantity, best } = exits;
  const decimals = { entry: decimal(entry), quantity: decimal(quantity), best: decimal(best) };
  return { ...exits, ...decimals, leaving: exits.leaving ?? undefined };
}
