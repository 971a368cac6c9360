import type { OrderTerms } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { compare, type Decimal, decimal, isPositive, min } from '../../kernel/decimal.ts';
import { truncateToLot } from '../../kernel/precision.ts';

/** What of the units can be sold: whole lots, no more than are there; undefined where it is too little. */
export function tradableUnits(
  { lotSize, minimumOrderSize }: Pick<OrderTerms, 'lotSize' | 'minimumOrderSize'>,
  asked: Decimal,
  there: Decimal,
): Decimal | undefined {
  if (!isPositive(there)) return undefined;
  const units = truncateToLot(min(asked, there), decimal(lotSize));
  if (!isPositive(units) || compare(units, decimal(minimumOrderSize)) < 0) return undefined;
  return units;
}
