import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  AnalysisQueryService,
  type CostBasisLotSchema,
  type InstrumentCostBasisSchema,
  LotState,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { CostBasisMethodSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { dayText, millisecondsPerDay } from '../days.ts';
import { enumOf } from '../enums.ts';
import type { CostBasisMethod } from '../lots/lot.ts';
import { readCloses } from '../performance/history.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { readTrades } from '../statistics/read-trades.ts';
import { type RoundTrip, roundTripsOf } from '../statistics/round-trips.ts';
import { trades } from '../trades/trades.ts';
import {
  costBasisReport,
  type InstrumentCostBasis,
  type OpenLot,
  type Price,
  totalsOf,
} from './cost-basis-report.ts';
import { partOf } from './paging.ts';
import { portfolioOf, readPeriod, valuationViews } from './portfolio-period.ts';

export const costBasisQuery = defineQuery({
  method: AnalysisQueryService.method.listCostBasis,
  views: [...valuationViews, trades],
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader, page }, found) => {
    const { portfolioId, instrumentId, state, descending } = query;
    const { baseCurrency: quoteCurrency, costBasisMethod } = portfolioOf(found);
    const head = {
      ...{ portfolioId, currency: quoteCurrency },
      costBasisMethod: enumOf(CostBasisMethodSchema, costBasisMethod),
    };
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    if (read === undefined) return { ...head, from: query.from, to: query.to, ...totalsOf([]) };
    const { from, to } = read.period;
    const wanted = instrumentId === '' ? {} : { instrumentIds: [instrumentId] };
    // The lots of a sale may be older than the period: all trades until its end are replayed.
    const all = await readTrades(reader, { portfolioId, quoteCurrency, ...wanted }, { to });
    const replay = roundTripsOf(costBasisMethod as CostBasisMethod, all);
    const prices = await readPrices(reader, replay.positions.keys(), to);
    const report = costBasisReport(replay, prices, from * millisecondsPerDay);
    const tradeIds = new Map(all.map(({ id, tradeId }) => [id, tradeId]));
    const nameOf = (id: string) => tradeIds.get(id) ?? '';
    const endMs = (to + 1) * millisecondsPerDay;
    const lots =
      state === LotState.CLOSED
        ? report.closed.map((lot) => () => toClosed(lot, nameOf))
        : report.open.map((lot) => () => toOpen(lot, nameOf, endMs));
    const part = partOf(descending ? lots.toReversed() : lots, page);
    if (isRejection(part)) return part;
    return {
      ...{ ...head, from: dayText(from), to: dayText(to) },
      ...{ lots: part.items.map((make) => make()), page: part.page, total: lots.length },
      instruments: report.instruments.map(toInstrument),
      ...totalsOf(report.instruments),
    };
  },
});

/** The last recorded prices at the end of the day. */
async function readPrices(
  reader: Reader,
  instrumentIds: Iterable<string>,
  day: number,
): Promise<ReadonlyMap<string, Price>> {
  const prices = await Promise.all(
    [...instrumentIds].map(async (id) => {
      const closes = await readCloses(reader, id, { from: day, to: day });
      const last = closes.findLast(([at]) => at <= day);
      return last === undefined ? [] : [[id, { price: last[1], day: last[0] }] as const];
    }),
  );
  return new Map(prices.flat());
}

type NameOf = (id: string) => string;

function toClosed(lot: RoundTrip, nameOf: NameOf): MessageInitShape<typeof CostBasisLotSchema> {
  const { instrumentId, enteredAt, exitedAt, quantity, cost, proceeds, strategyId } = lot;
  return {
    ...{ instrumentId, quantity, cost, proceeds, strategyId },
    openedAt: timestampFromMs(enteredAt),
    closedAt: timestampFromMs(exitedAt),
    openedBy: nameOf(lot.entryId),
    closedBy: nameOf(lot.exitId),
    heldSeconds: secondsOf(exitedAt - enteredAt),
    realisedGain: lot.gain,
  };
}

function toOpen(
  { entryId, enteredAt, ...known }: OpenLot,
  nameOf: NameOf,
  endMs: number,
): MessageInitShape<typeof CostBasisLotSchema> {
  return {
    ...known,
    openedAt: timestampFromMs(enteredAt),
    openedBy: nameOf(entryId),
    heldSeconds: secondsOf(endMs - enteredAt),
  };
}

function secondsOf(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds / 1000));
}

function toInstrument({
  price,
  ...known
}: InstrumentCostBasis): MessageInitShape<typeof InstrumentCostBasisSchema> {
  if (price === undefined) return known;
  return { ...known, price: price.price, pricedAt: dayText(price.day) };
}
