import {
  type TradeRecorded,
  TradeRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { TradeSideSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { nameOf } from '../enums.ts';
import { timeOf } from '../times.ts';

export type TradeDocument = {
  readonly tradeId: string;
  readonly portfolioId: string;
  readonly instrumentId: string;
  readonly side: string;
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
  readonly feeCurrency: string;
  readonly cashChange: string;
  readonly strategyId?: string;
  readonly executedAt: number;
  readonly revision: number;
};

/**
 * Every trade; the id is "<portfolio>/<trade>", for a trade's own is that of its command, which is
 * unique within its portfolio only. Trades are recorded in the order of their time: the revision
 * sorts by it, without ties.
 */
export const trades = defineView<TradeDocument>({
  name: 'trading_trades',
  version: 1,
  schema: {
    tradeId: { kind: 'keyword' },
    portfolioId: { kind: 'keyword', filter: true },
    instrumentId: { kind: 'keyword', filter: true },
    // Counted in facets by nobody yet, but so an engine knows that it has few values.
    side: { kind: 'keyword', filter: true, facet: true },
    quantity: { kind: 'decimal' },
    price: { kind: 'decimal' },
    fee: { kind: 'decimal' },
    feeCurrency: { kind: 'keyword' },
    cashChange: { kind: 'decimal' },
    strategyId: { kind: 'keyword', filter: true },
    executedAt: { kind: 'instant', filter: true },
    revision: { kind: 'integer', sort: true },
  },
  events: [TradeRecordedSchema],
  ids: ({ message }) => {
    const { portfolioId, tradeId } = message as TradeRecorded;
    return [`${portfolioId}/${tradeId}`];
  },
  project: (_document, { message, recorded: { revision } }) => {
    const event = message as TradeRecorded;
    return {
      tradeId: event.tradeId,
      portfolioId: event.portfolioId,
      instrumentId: event.instrumentId,
      side: nameOf(TradeSideSchema, event.side),
      quantity: event.quantity,
      price: event.price,
      fee: event.fee,
      feeCurrency: event.feeCurrency,
      cashChange: event.cashChange,
      ...(event.strategyId !== '' && { strategyId: event.strategyId }),
      executedAt: timeOf(event.executedAt),
      revision,
    };
  },
});
