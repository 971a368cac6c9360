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
  type Value,
  valueAt,
} from './cost-basis-report.ts';
import { keptReport } from './kept-reports.ts';
import { partOf } from './paging.ts';
import { portfolioOf, readPeriod, valuationViews } from './portfolio-period.ts';

export const costBasisQuery = defineQuery({
  method: AnalysisQueryService.method.listCostBasis,
  views: [...valuationViews, trades],
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader, page, nowMs }, found) => {
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
    const about = `${costBasisMethod} ${from} ${to} ${instrumentId}`;
    const report = await keptReport(reader, { portfolioId, key: about, nowMs }, async () => {
      // The lots of a sale may be older than the period: all trades until its end are replayed.
      const all = await readTrades(reader, { portfolioId, quoteCurrency, ...wanted }, { to });
      const replay = roundTripsOf(costBasisMethod as CostBasisMethod, all);
      const tradeIds = new Map(all.map(({ id, tradeId }) => [id, tradeId]));
      const fromMs = from * millisecondsPerDay;
      return { of: { ...costBasisReport(replay, fromMs), tradeIds }, trades: all.length };
    });
    const ids = report.instruments.map((one) => one.instrumentId);
    const prices = await readPrices(reader, ids, to);
    const instruments = report.instruments.map((one) => {
      const price = prices.get(one.instrumentId);
      return { ...one, ...valueAt(one, price), ...(price !== undefined && { price }) };
    });
    const nameOf = (id: string) => report.tradeIds.get(id) ?? '';
    const endMs = (to + 1) * millisecondsPerDay;
    const shown = <Lot>(all: readonly Lot[], show: (lot: Lot) => LotShown) => {
      const part = partOf(descending ? all.toReversed() : all, page);
      if (isRejection(part)) return part;
      return { lots: part.items.map(show), page: part.page, total: all.length };
    };
    const lots =
      state === LotState.CLOSED
        ? shown(report.closed, (lot) => toClosed(lot, nameOf))
        : shown(report.open, (lot) => toOpen(lot, prices.get(lot.instrumentId), nameOf, endMs));
    if (isRejection(lots)) return lots;
    return {
      ...{ ...head, from: dayText(from), to: dayText(to), ...lots },
      instruments: instruments.map(toInstrument),
      ...totalsOf(instruments),
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
type LotShown = MessageInitShape<typeof CostBasisLotSchema>;

function toClosed(lot: RoundTrip, nameOf: NameOf): LotShown {
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
  price: Price | undefined,
  nameOf: NameOf,
  endMs: number,
): LotShown {
  return {
    ...known,
    ...valueAt(known, price),
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
}: InstrumentCostBasis & Value & { readonly price?: Price }): MessageInitShape<
  typeof InstrumentCostBasisSchema
> {
  if (price === undefined) return known;
  return { ...known, price: price.price, pricedAt: dayText(price.day) };
}
