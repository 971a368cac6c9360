import { create } from '@bufbuild/protobuf';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { CandleInterval } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { MatchOrderCommandSchema } from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  OrderClosedSchema,
  OrderPlacedSchema,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import { closesBy, definePolicy, opensBy, reactsTo } from '../../process/kit.ts';
import { paperVenue } from '../model/paper-venue.ts';

type Data = { readonly instrumentId: string; readonly interval: number };

/** The candles of a series, as policies are interested in them. */
export function seriesKey(instrumentId: string, interval: CandleInterval): string {
  return `${instrumentId}:${interval}`;
}

/** Shows recorded candles to the open orders at the paper venue. */
export const paperVenuePolicy = definePolicy<Data>({
  name: 'paper_venue',
  opens: [
    opensBy({
      event: OrderPlacedSchema,
      interest: ({ orderId, terms }) => {
        if (terms?.venue !== paperVenue) return undefined;
        const { instrumentId, interval } = terms;
        const key = seriesKey(instrumentId, interval);
        return { target: orderId, key, data: { instrumentId, interval } };
      },
    }),
  ],
  closes: [closesBy({ event: OrderClosedSchema, target: ({ orderId }) => orderId })],
  on: [
    reactsTo({
      event: CandlesRecordedSchema,
      key: ({ instrumentId, interval }) => seriesKey(instrumentId, interval),
      command: ({ target: orderId }, { instrumentId, interval, candles }) => ({
        schema: MatchOrderCommandSchema,
        build: () => create(MatchOrderCommandSchema, { orderId, instrumentId, interval, candles }),
      }),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['venue'] }),
});
