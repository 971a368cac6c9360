import type { InstrumentRegistered } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { AssetClass } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Decimal, decimal, toText } from '../../kernel/decimal.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

export type InstrumentEvent = InstrumentRegistered;

export type InstrumentTerms = {
  readonly description: string;
  readonly market: string;
  readonly assetClass: AssetClass;
  readonly baseAsset: string;
  readonly quoteCurrency: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  /** 0 where there is none. */
  readonly minimumOrderSize: Decimal;
};

/**
 *     absent --register--> registered, for ever
 *
 * Portfolios and candles look at this state; each says in its own folder what it needs of it.
 */
export type InstrumentState =
  | { readonly lifecycle: 'absent' }
  | ({ readonly lifecycle: 'registered' } & InstrumentTerms);

export const initial: InstrumentState = { lifecycle: 'absent' };

export function evolve(_state: InstrumentState, event: InstrumentEvent): InstrumentState {
  return {
    lifecycle: 'registered',
    description: event.description,
    market: event.market,
    assetClass: event.assetClass,
    baseAsset: event.baseAsset,
    quoteCurrency: event.quoteCurrency,
    tickSize: decimal(event.tickSize),
    lotSize: decimal(event.lotSize),
    minimumOrderSize: decimal(event.minimumOrderSize),
  };
}

export const snapshot = {
  version: 1,
  toJson: (state: InstrumentState): JsonValue =>
    state.lifecycle === 'absent'
      ? state
      : {
          ...state,
          tickSize: toText(state.tickSize),
          lotSize: toText(state.lotSize),
          minimumOrderSize: toText(state.minimumOrderSize),
        },
  fromJson: (json: JsonValue): InstrumentState => {
    const state = json as JsonObject;
    if (state.lifecycle === 'absent') return initial;
    return {
      ...(state as unknown as InstrumentTerms),
      lifecycle: 'registered',
      tickSize: decimal(String(state.tickSize)),
      lotSize: decimal(String(state.lotSize)),
      minimumOrderSize: decimal(String(state.minimumOrderSize)),
    };
  },
};
