import { create } from '@bufbuild/protobuf';
import { type RiskProfile, TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type ExitLevels,
  ExitLevelsSchema,
  type OrderTerms,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { type Decimal, round, toText } from '../../kernel/decimal.ts';
import { protectionOf, riskLimitsOf } from '../model/risk.ts';

/**
 * Where a purchase is to be left, as its events tell it; undefined where its risk profile says
 * nothing of that.
 *
 * entry: the average price that it was bought at; best: the highest price since
 */
export function exitLevels(
  { terms, riskProfile }: { readonly terms: OrderTerms; readonly riskProfile: RiskProfile },
  entry: Decimal,
  best: Decimal,
): ExitLevels | undefined {
  const { stopLoss, takeProfit, trailingStopDistance, trailingStopOffset } = riskProfile;
  const trails = trailingStopDistance !== '';
  if (terms.side !== TradeSide.BUY) return undefined;
  if (stopLoss === '' && takeProfit === '' && !trails) return undefined;
  const fixed = riskLimitsOf({ ...riskProfile, trailingStopDistance: '' });
  const levels = protectionOf(fixed, entry, entry);
  const now = protectionOf(riskLimitsOf(riskProfile), entry, best);
  return create(ExitLevelsSchema, {
    stopLoss: textOf(levels.stop?.price),
    takeProfit: textOf(levels.takeProfit),
    ...{ trailingStopDistance, trailingStopOffset },
    stopPrice: textOf(now.stop?.price),
    bestPrice: trails ? toText(best) : '',
  });
}

/** Events take as many digits. */
const mostDigits = 36;

function textOf(price: Decimal | undefined): string {
  return price === undefined ? '' : toText(round(price, mostDigits, 'HALF_UP'));
}
