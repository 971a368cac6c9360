import { create, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  type CostBasisMethod,
  TargetWeightSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, toText } from '../../kernel/decimal.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { initial, type PortfolioState } from './state.ts';

type OpenJson = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly name: string;
  readonly baseCurrency: string;
  readonly costBasisMethod: CostBasisMethod;
  readonly targetWeights: readonly (readonly [instrumentId: string, weight: string])[];
  readonly cash: string;
  readonly positions: readonly (readonly [instrumentId: string, quantity: string, price: string])[];
  readonly reservations: readonly (readonly [
    signalId: string,
    instrumentId: string,
    cash: string,
    units: string,
  ])[];
  readonly closings: readonly (readonly [instrumentId: string, at: number])[];
  readonly worth: readonly [held: string, peak: string];
  readonly lastActivity: string | null;
};

export const snapshot = {
  version: 2,
  toJson: (state: PortfolioState): JsonValue => {
    if (state.lifecycle === 'absent') return state;
    const { positions, reservations, closings, worth, lastActivity } = state;
    return {
      ...state,
      targetWeights: state.targetWeights.map((one) => [one.instrumentId, one.weight]),
      cash: toText(state.cash),
      positions: positions.map((one) => [
        one.instrumentId,
        toText(one.quantity),
        toText(one.price),
      ]),
      reservations: reservations.map((one) => [
        one.signalId,
        one.instrumentId,
        toText(one.cash),
        toText(one.units),
      ]),
      closings: closings.map(({ instrumentId, at }) => [instrumentId, at]),
      worth: [toText(worth.held), toText(worth.peak)],
      lastActivity: lastActivity === undefined ? null : toJson(TimestampSchema, lastActivity),
    } satisfies OpenJson;
  },
  fromJson: (json: JsonValue): PortfolioState => {
    const state = json as { readonly lifecycle: 'absent' } | OpenJson;
    if (state.lifecycle === 'absent') return initial;
    const { worth, lastActivity } = state;
    return {
      ...state,
      targetWeights: state.targetWeights.map(([instrumentId, weight]) =>
        create(TargetWeightSchema, { instrumentId, weight }),
      ),
      cash: decimal(state.cash),
      positions: state.positions.map(([instrumentId, quantity, price]) => ({
        instrumentId,
        quantity: decimal(quantity),
        price: decimal(price),
      })),
      reservations: state.reservations.map(([signalId, instrumentId, cash, units]) => ({
        signalId,
        instrumentId,
        cash: decimal(cash),
        units: decimal(units),
      })),
      closings: state.closings.map(([instrumentId, at]) => ({ instrumentId, at })),
      worth: { held: decimal(worth[0]), peak: decimal(worth[1]) },
      lastActivity:
        lastActivity === null ? undefined : fromJson(TimestampSchema, lastActivity as ProtoJson),
    };
  },
};
