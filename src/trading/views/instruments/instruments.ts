import {
  type CandlesRecorded,
  CandlesRecordedSchema,
  type InstrumentRegistered,
  InstrumentRegisteredSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { AssetClassSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { intervalOf } from '../candles/intervals.ts';
import { nameOf } from '../enums.ts';
import { timeOf } from '../times.ts';

export type InstrumentDocument = {
  readonly instrumentId: string;
  readonly description: string;
  readonly market: string;
  readonly assetClass: string;
  readonly baseAsset: string;
  readonly quoteCurrency: string;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly minimumOrderSize: string;
  readonly registeredAt: number;
  /** The close of the candle with the latest end, of any interval, and that end. */
  readonly lastPrice?: string;
  readonly lastPriceAt?: number;
};

/** Every instrument by its id. */
export const instruments = defineView<InstrumentDocument>({
  name: 'trading_instruments',
  version: 1,
  schema: {
    instrumentId: { kind: 'keyword', search: 3 },
    description: { kind: 'text', search: 2 },
    market: { kind: 'keyword', filter: true, facet: true },
    assetClass: { kind: 'keyword', facet: true },
    baseAsset: { kind: 'keyword', search: 2 },
    quoteCurrency: { kind: 'keyword', filter: true, facet: true, search: 1 },
    tickSize: { kind: 'decimal' },
    lotSize: { kind: 'decimal' },
    minimumOrderSize: { kind: 'decimal' },
    registeredAt: { kind: 'instant' },
    lastPrice: { kind: 'decimal' },
    lastPriceAt: { kind: 'instant' },
  },
  events: [InstrumentRegisteredSchema, CandlesRecordedSchema],
  ids: ({ message }) => [(message as InstrumentRegistered | CandlesRecorded).instrumentId],
  project: (document, { message }) => {
    const event = message as InstrumentRegistered | CandlesRecorded;
    if (event.$typeName === 'cipherhorizon.trading.v1.InstrumentRegistered') return ofTerms(event);
    if (document === undefined) throw new Error(`${event.$typeName} on no instrument`);
    return withLastPrice(document, event);
  },
});

function ofTerms(event: InstrumentRegistered): InstrumentDocument {
  return {
    instrumentId: event.instrumentId,
    description: event.description,
    market: event.market,
    assetClass: nameOf(AssetClassSchema, event.assetClass),
    baseAsset: event.baseAsset,
    quoteCurrency: event.quoteCurrency,
    tickSize: event.tickSize,
    lotSize: event.lotSize,
    minimumOrderSize: event.minimumOrderSize,
    registeredAt: timeOf(event.registeredAt),
  };
}

/** Candles come in the order of time. */
function withLastPrice(document: InstrumentDocument, event: CandlesRecorded): InstrumentDocument {
  const last = event.candles.at(-1);
  if (last === undefined) return document;
  const end = (Number(last.start) + intervalOf(event.interval).seconds) * 1000;
  if (document.lastPriceAt !== undefined && document.lastPriceAt >= end) return document;
  return { ...document, lastPrice: last.close, lastPriceAt: end };
}
