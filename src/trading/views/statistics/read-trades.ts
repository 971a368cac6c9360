import type { Reader } from '../../../read/kit.ts';
import { millisecondsPerDay } from '../days.ts';
import type { Period } from '../performance/period.ts';
import { type Condition, listAll } from '../reading.ts';
import { type TradeDocument, trades } from '../trades/trades.ts';
import { quantityChangeOf, type ReplayedTrade } from './round-trips.ts';

export type PortfolioTrade = ReplayedTrade & {
  readonly tradeId: string;
  readonly side: string;
  readonly price: string;
};

export type TradesOf = {
  readonly portfolioId: string;
  /** Of the portfolio, which is that of all its trades. */
  readonly quoteCurrency: string;
  readonly instrumentIds?: readonly string[];
  readonly strategyId?: string;
};

/** The trades of a portfolio within the days, in the order in which they were made. */
export async function readTrades(
  reader: Reader,
  { portfolioId, quoteCurrency, instrumentIds, strategyId }: TradesOf,
  { from, to }: Partial<Period>,
): Promise<readonly PortfolioTrade[]> {
  const where: Condition[] = [{ field: 'portfolioId', in: [portfolioId] }];
  if (instrumentIds !== undefined) where.push({ field: 'instrumentId', in: instrumentIds });
  if (strategyId !== undefined) where.push({ field: 'strategyId', in: [strategyId] });
  if (from !== undefined || to !== undefined) {
    where.push({
      field: 'executedAt',
      ...(from !== undefined && { from: from * millisecondsPerDay }),
      ...(to !== undefined && { until: (to + 1) * millisecondsPerDay }),
    });
  }
  const sort = { field: 'revision', descending: false };
  const found = await listAll(reader, trades, { where, sort });
  return found.map(({ document }) => {
    const trade = document as unknown as TradeDocument;
    return {
      id: String(trade.revision),
      tradeId: trade.tradeId,
      time: trade.executedAt,
      instrumentId: trade.instrumentId,
      strategyId: trade.strategyId ?? '',
      side: trade.side,
      price: trade.price,
      quantityChange: quantityChangeOf({ ...trade, quoteCurrency }),
      cashChange: trade.cashChange,
    };
  });
}
