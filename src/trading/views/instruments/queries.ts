import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { AssetClassSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type InstrumentSchema,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { defineQuery, notFound } from '../../../read/kit.ts';
import { enumOf, protoNameOf } from '../enums.ts';
import { type Found, named } from '../reading.ts';
import { type InstrumentDocument, instruments } from './instruments.ts';

const { method } = TradingQueryService;

export const instrumentQueries = [
  defineQuery({
    method: method.getInstrument,
    views: [instruments],
    answer: async ({ instrumentId }, { reader }) => {
      const found = await reader.get(instruments, instrumentId);
      if (found === undefined) return notFound('instrument', instrumentId);
      return { instrument: toInstrument(found) };
    },
  }),
  defineQuery({
    method: method.searchInstruments,
    views: [instruments],
    answer: async ({ text, quoteCurrency, market, facets }, { reader, page }) => {
      const where = Object.entries({ quoteCurrency, market })
        .filter(([, value]) => value !== '')
        .map(([field, value]) => ({ field, in: [value] }));
      const counted = facets ? ['quoteCurrency', 'market', 'assetClass'] : [];
      const found = await reader.search(instruments, { text, where, facets: counted, ...page });
      const { highlightsOf, ...more } = named(found, protoFields, (field, value) =>
        field === 'assetClass' ? protoNameOf(AssetClassSchema, value) : value,
      );
      const hits = found.items.map((hit) => ({
        instrument: toInstrument(hit),
        score: hit.score,
        highlights: highlightsOf(hit),
      }));
      return { hits, ...more };
    },
  }),
];

const protoFields = {
  instrumentId: 'instrument_id',
  description: 'description',
  market: 'market',
  assetClass: 'asset_class',
  baseAsset: 'base_asset',
  quoteCurrency: 'quote_currency',
};

function toInstrument(found: Found): MessageInitShape<typeof InstrumentSchema> {
  const document = found.document as unknown as InstrumentDocument;
  const { assetClass, registeredAt, lastPrice, lastPriceAt, ...terms } = document;
  return {
    ...terms,
    assetClass: enumOf(AssetClassSchema, assetClass),
    registeredAt: timestampFromMs(registeredAt),
    ...(lastPrice !== undefined && { lastPrice }),
    ...(lastPriceAt !== undefined && { lastPriceAt: timestampFromMs(lastPriceAt) }),
  };
}
