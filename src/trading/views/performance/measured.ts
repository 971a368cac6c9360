import { dayText } from '../days.ts';
import { method as measureMethod } from '../measures/measure.ts';
import { figuresOf } from './figures.ts';
import { annualisationOf, type Valuations } from './valuation.ts';

/** All measures of valuations, and how they came to be. A factor of 0 is by what was held. */
export function measuredOf(
  { days, held, carried, pricedAt }: Valuations,
  asked: { readonly annualisationFactor: number; readonly riskFreeRate: number },
) {
  const { annualisationFactor: requested, riskFreeRate } = asked;
  const byAssets = annualisationOf(held);
  const { factor, basis } = requested === 0 ? byAssets : { factor: requested, basis: 'REQUESTED' };
  const bySession = factor < 365 && byAssets.basis === 'MARKETS_THAT_CLOSE';
  return {
    ...figuresOf(days, { factor, riskFreeRate, bySession }),
    dailyReturnMethod: measureMethod.dailyReturn,
    annualisationFactor: factor,
    annualisationBasis: basis,
    pricedAt: pricedAt === undefined ? '' : dayText(pricedAt),
    carriedPrices: carried,
  };
}
