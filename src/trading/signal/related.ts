import type {
  AssetClass,
  CandleInterval,
  RiskProfile,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  OrderFill,
  OrderStatus,
  OrderTerms,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { Relation } from '../../kernel/decider.ts';
import type { Decimal } from '../../kernel/decimal.ts';
import type { RecentCandles } from '../model/recent-candles.ts';
import type { Prices, SignalPortfolio } from './account.ts';

/** What a signal looks at of its instrument. */
export type SignalInstrument = {
  readonly lifecycle: 'registered';
  readonly assetClass: AssetClass;
  readonly baseAsset: string;
  readonly quoteCurrency: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  readonly minimumOrderSize: Decimal;
};

export type SignalStrategy = {
  readonly lifecycle: 'draft' | 'active' | 'paused';
  readonly userId: string;
  readonly riskProfile: RiskProfile;
};

/** What a signal looks at of its order, or of that of its exit. */
export type SignalOrder = {
  readonly lifecycle: string;
  readonly fills: readonly OrderFill[];
  /** Of one that is closed. */
  readonly status?: OrderStatus;
};

type Gone = { readonly lifecycle: 'absent' };
type Series = { readonly recent: RecentCandles };

/** What the write side knows of what a signal is about; and the series of what else is held. */
export type SignalRelated = {
  readonly strategy?: Gone | SignalStrategy | { readonly lifecycle: 'deleted' };
  readonly portfolio?: Gone | SignalPortfolio;
  readonly instrument?: Gone | SignalInstrument;
  readonly candles?: Series;
  readonly order?: Gone | SignalOrder;
} & { readonly [prices: `prices of ${string}`]: Series };

type Known = { readonly [name: string]: unknown };

export function seriesOf(instrumentId: string, interval: CandleInterval): Relation {
  return { category: 'candles', id: `${instrumentId}:${interval}` };
}

/** The portfolio, its instrument's candles, and those of all that it holds. */
export function relatedPortfolio(
  {
    portfolioId,
    instrumentId,
    interval,
  }: Pick<OrderTerms, 'portfolioId' | 'instrumentId' | 'interval'>,
  known: Known,
): { readonly [name: string]: Relation } {
  const portfolio = known.portfolio as SignalRelated['portfolio'];
  const held = portfolio?.lifecycle === 'open' ? portfolio.positions : [];
  const others = held.filter((position) => position.instrumentId !== instrumentId);
  return {
    portfolio: { category: 'portfolio', id: portfolioId },
    candles: seriesOf(instrumentId, interval),
    ...Object.fromEntries(
      others.map((position) => [
        `prices of ${position.instrumentId}`,
        seriesOf(position.instrumentId, interval),
      ]),
    ),
  };
}

export function pricesOf(related: SignalRelated): Prices {
  return (instrumentId) => related[`prices of ${instrumentId}`]?.recent ?? [];
}
