import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradeSide, TradeSideSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type ListTradesQuery,
  type TradeSchema,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { enumOf, nameOf } from '../enums.ts';
import { portfolios } from '../portfolios/portfolios.ts';
import {
  type PositionDocument,
  positionId,
  positions,
  realisedBy,
} from '../portfolios/positions.ts';
import { type Condition, pageInfo } from '../reading.ts';
import { timeRange } from '../times.ts';
import { type TradeDocument, trades } from './trades.ts';

export const tradeQueries = [
  defineQuery({
    method: TradingQueryService.method.listTrades,
    views: [portfolios, trades, positions],
    record: {
      model: portfolios,
      id: ({ portfolioId }) => portfolioId,
      ownerField: 'userId',
      noun: 'portfolio',
    },
    answer: async (query, { reader, page }) => {
      const where = conditionsOf(query);
      if (isRejection(where)) return where;
      const found = await reader.list(trades, {
        where,
        sort: { field: 'revision', descending: query.descending },
        ...page,
      });
      const documents = found.items.map(({ document }) => document as unknown as TradeDocument);
      const gainOf = await gains(reader, documents);
      const shown = documents.map((trade) => toTrade(trade, gainOf(trade)));
      return { trades: shown, page: pageInfo(found) };
    },
  }),
];

function conditionsOf(query: ListTradesQuery): readonly Condition[] | Rejection {
  const { portfolioId, instrumentId, side, strategyId, executedFrom, executedUntil } = query;
  const executed = timeRange('executedAt', 'executed_from', executedFrom, executedUntil);
  if (isRejection(executed)) return executed;
  const sideName = side === TradeSide.UNSPECIFIED ? '' : nameOf(TradeSideSchema, side);
  const equal = Object.entries({ portfolioId, instrumentId, side: sideName, strategyId })
    .filter(([, value]) => value !== '')
    .map(([field, value]) => ({ field, in: [value] }));
  return [...equal, ...executed];
}

/** What the sales realised: their positions know. */
async function gains(
  reader: Reader,
  documents: readonly TradeDocument[],
): Promise<(trade: TradeDocument) => string | undefined> {
  const sale = nameOf(TradeSideSchema, TradeSide.SELL);
  const idOf = ({ portfolioId, instrumentId }: TradeDocument) =>
    positionId(portfolioId, instrumentId);
  const ids = new Set(documents.filter(({ side }) => side === sale).map(idOf));
  const found = await reader.getMany(positions, [...ids]);
  return (trade) => {
    const position = found.get(idOf(trade));
    if (position === undefined) return undefined;
    return realisedBy(position.document as unknown as PositionDocument, trade.revision);
  };
}

function toTrade(
  trade: TradeDocument,
  realisedGain: string | undefined,
): MessageInitShape<typeof TradeSchema> {
  const { side, executedAt, revision: _, ...terms } = trade;
  return {
    ...terms,
    side: enumOf(TradeSideSchema, side),
    executedAt: timestampFromMs(executedAt),
    ...(realisedGain !== undefined && { realisedGain }),
  };
}
