import { create, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type {
  CashDeposited,
  CashWithdrawn,
  PortfolioOpened,
  PortfolioUpdated,
  TradeRecorded,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  type CostBasisMethod,
  type TargetWeight,
  TargetWeightSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Decimal, decimal, toText, zero } from '../../kernel/decimal.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { type Positions, withQuantity } from './positions.ts';

export type PortfolioEvent =
  | PortfolioOpened
  | PortfolioUpdated
  | CashDeposited
  | CashWithdrawn
  | TradeRecorded;

export type OpenPortfolio = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly name: string;
  readonly baseCurrency: string;
  readonly costBasisMethod: CostBasisMethod;
  readonly targetWeights: readonly TargetWeight[];
  readonly cash: Decimal;
  readonly positions: Positions;
  /** When the last deposit, withdrawal or trade took place. */
  readonly lastActivity: Timestamp | undefined;
};

/**
 *     absent --open--> open, for ever
 */
export type PortfolioState = { readonly lifecycle: 'absent' } | OpenPortfolio;

export const initial: PortfolioState = { lifecycle: 'absent' };

export function evolve(state: PortfolioState, event: PortfolioEvent): PortfolioState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.PortfolioOpened':
      return {
        lifecycle: 'open',
        userId: event.userId,
        name: event.portfolioName,
        baseCurrency: event.baseCurrency,
        costBasisMethod: event.costBasisMethod,
        targetWeights: [],
        cash: zero,
        positions: [],
        lastActivity: undefined,
      };
    case 'cipherhorizon.trading.v1.PortfolioUpdated': {
      const { portfolioName: name, targetWeights } = event;
      return { ...open(state, event), name, targetWeights };
    }
    case 'cipherhorizon.trading.v1.CashDeposited':
    case 'cipherhorizon.trading.v1.CashWithdrawn': {
      const cash = decimal(event.cash);
      return { ...open(state, event), cash, lastActivity: event.occurredAt };
    }
    case 'cipherhorizon.trading.v1.TradeRecorded': {
      const portfolio = open(state, event);
      const position = decimal(event.position);
      const positions = withQuantity(portfolio.positions, event.instrumentId, position);
      const cash = decimal(event.cash);
      return { ...portfolio, cash, positions, lastActivity: event.executedAt };
    }
  }
}

function open(state: PortfolioState, event: PortfolioEvent): OpenPortfolio {
  if (state.lifecycle === 'absent') throw new Error(`${event.$typeName} on no portfolio`);
  return state;
}

export function ownerOf(state: PortfolioState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.userId;
}

type OpenJson = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly name: string;
  readonly baseCurrency: string;
  readonly costBasisMethod: CostBasisMethod;
  readonly targetWeights: readonly (readonly [instrumentId: string, weight: string])[];
  readonly cash: string;
  readonly positions: readonly (readonly [instrumentId: string, quantity: string])[];
  readonly lastActivity: string | null;
};

export const snapshot = {
  version: 1,
  toJson: (state: PortfolioState): JsonValue => {
    if (state.lifecycle === 'absent') return state;
    const { targetWeights, cash, positions, lastActivity } = state;
    return {
      ...state,
      targetWeights: targetWeights.map(({ instrumentId, weight }) => [instrumentId, weight]),
      cash: toText(cash),
      positions: positions.map(({ instrumentId, quantity }) => [instrumentId, toText(quantity)]),
      lastActivity: lastActivity === undefined ? null : toJson(TimestampSchema, lastActivity),
    } satisfies OpenJson;
  },
  fromJson: (json: JsonValue): PortfolioState => {
    const state = json as { readonly lifecycle: 'absent' } | OpenJson;
    if (state.lifecycle === 'absent') return initial;
    const { targetWeights, cash, positions, lastActivity } = state;
    return {
      ...state,
      targetWeights: targetWeights.map(([instrumentId, weight]) =>
        create(TargetWeightSchema, { instrumentId, weight }),
      ),
      cash: decimal(cash),
      positions: positions.map(([instrumentId, quantity]) => ({
        instrumentId,
        quantity: decimal(quantity),
      })),
      lastActivity:
        lastActivity === null ? undefined : fromJson(TimestampSchema, lastActivity as ProtoJson),
    };
  },
};
