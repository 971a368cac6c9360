import { create } from '@bufbuild/protobuf';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type ExecutionModel,
  ExecutionModelSchema,
  type OrderTerms,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { decimal, toText } from '../../kernel/decimal.ts';
import type { FillModel, FillRules, WorkingOrder } from './fills.ts';

/** The venue that fills against recorded candles. */
export const paperVenue = 'paper';

const defaults = { feeRate: '0.001', slippage: '0.0005', rejectionRate: '0', seed: 'paper' };

/** What a caller asks for, complete and in canonical text: it goes with the order. */
export function completeModel(asked: ExecutionModel | undefined): ExecutionModel {
  const participation = asked?.participation ?? '';
  return create(ExecutionModelSchema, {
    feeRate: canonical(asked?.feeRate, defaults.feeRate),
    slippage: canonical(asked?.slippage, defaults.slippage),
    participation: participation === '' ? '' : toText(decimal(participation)),
    delayCandles: asked?.delayCandles ?? 0,
    rejectionRate: canonical(asked?.rejectionRate, defaults.rejectionRate),
    seed: asked?.seed || defaults.seed,
  });
}

function canonical(text: string | undefined, byDefault: string): string {
  return toText(decimal(text || byDefault));
}

export function fillModelOf({ execution }: OrderTerms): FillModel {
  const model = completeModel(execution);
  return {
    feeRate: decimal(model.feeRate),
    slippage: decimal(model.slippage),
    ...(model.participation !== '' && { participation: decimal(model.participation) }),
    delayCandles: model.delayCandles,
    rejectionRate: decimal(model.rejectionRate),
    seed: model.seed,
  };
}

export function fillRulesOf(terms: OrderTerms): FillRules {
  return {
    tickSize: decimal(terms.tickSize),
    lotSize: decimal(terms.lotSize),
    minimumOrderSize: decimal(terms.minimumOrderSize),
  };
}

/** The order as the model of fills has it, with what it was filled with so far. */
export function workingOrderOf(
  terms: OrderTerms,
  so: Pick<WorkingOrder, 'filled' | 'spent'> & { readonly triggered: boolean },
): WorkingOrder {
  const isPurchase = terms.side === TradeSide.BUY;
  return {
    id: terms.orderId,
    side: isPurchase ? 'BUY' : 'SELL',
    quantity: decimal(terms.quantity),
    ...(terms.limitPrice !== '' && { limitPrice: decimal(terms.limitPrice) }),
    ...(terms.stopPrice !== '' && { stopPrice: decimal(terms.stopPrice) }),
    ...(isPurchase && terms.budget !== '' && { budget: decimal(terms.budget) }),
    placedAfter: Number(terms.placedAfter),
    ...so,
  };
}
