import type { RiskProfile, TradingRule } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Decimal, isPositive } from '../../kernel/decimal.ts';
import type { RecentCandles } from '../model/recent-candles.ts';

type Gone = { readonly lifecycle: 'absent' };

export type RunStrategy = {
  readonly lifecycle: 'draft' | 'active' | 'paused';
  readonly userId: string;
  readonly rules: readonly TradingRule[];
  readonly riskProfile: RiskProfile;
};

export type RunPortfolio = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly baseCurrency: string;
  readonly positions: readonly { readonly instrumentId: string; readonly quantity: Decimal }[];
  readonly reservations: readonly {
    readonly instrumentId: string;
    readonly cash: Decimal;
    readonly units: Decimal;
  }[];
};

/** What the write side knows of what a run is about. */
export type RunRelated = {
  readonly strategy?: Gone | RunStrategy | { readonly lifecycle: 'deleted' };
  readonly portfolio?: Gone | RunPortfolio;
  readonly instrument?: Gone | { readonly lifecycle: 'registered'; readonly quoteCurrency: string };
  readonly candles?: { readonly recent: RecentCandles };
};

/** How a portfolio stands with an instrument: what is reserved is being bought or sold. */
export type Posture = {
  readonly isHeld: boolean;
  readonly isBuying: boolean;
  readonly isSelling: boolean;
};

export function postureOf(portfolio: RunRelated['portfolio'], instrumentId: string): Posture {
  if (portfolio?.lifecycle !== 'open') return { isHeld: false, isBuying: false, isSelling: false };
  const own = portfolio.reservations.filter((one) => one.instrumentId === instrumentId);
  return {
    isHeld: portfolio.positions.some(
      (one) => one.instrumentId === instrumentId && isPositive(one.quantity),
    ),
    isBuying: own.some(({ cash }) => isPositive(cash)),
    isSelling: own.some(({ units }) => isPositive(units)),
  };
}
