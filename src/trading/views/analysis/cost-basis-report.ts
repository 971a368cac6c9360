import { add, type Decimal, decimal, mul, sub, zero } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import type { CostBasisPosition } from '../cost-basis.ts';
import { lotsOf } from '../lots/lot-book.ts';
import type { Replay, RoundTrip } from '../statistics/round-trips.ts';

/** A recorded price, and its day. */
export type Price = { readonly price: string; readonly day: number };

/** A lot that is open. Times are in milliseconds since 1970, amounts are decimal texts. */
export type OpenLot = {
  readonly instrumentId: string;
  /** Of the purchase, by revision. */
  readonly entryId: string;
  readonly enteredAt: number;
  readonly quantity: string;
  readonly cost: string;
} & Valued;

type Valued = { readonly marketValue?: string; readonly unrealisedGain?: string };

export type InstrumentCostBasis = Valued & {
  readonly instrumentId: string;
  readonly quantity: string;
  readonly cost: string;
  readonly openLots: number;
  readonly price?: Price;
  readonly closedLots: number;
  readonly proceeds: string;
  readonly costOfSold: string;
  readonly realisedGain: string;
};

export type CostBasisReport = {
  /** By instrument and purchase. */
  readonly open: readonly OpenLot[];
  /** In the order of their sales. */
  readonly closed: readonly RoundTrip[];
  readonly instruments: readonly InstrumentCostBasis[];
};

/**
 * What the replay of all trades until some time left open, and what sales closed from a time on.
 *
 * prices: at that time, by instrument
 */
export function costBasisReport(
  { trips, positions }: Replay,
  prices: ReadonlyMap<string, Price>,
  fromMs: number,
): CostBasisReport {
  const closed = trips.filter(({ exitedAt }) => exitedAt >= fromMs);
  const byInstrument = Map.groupBy(closed, ({ instrumentId }) => instrumentId);
  const known = [...positions].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    open: known.flatMap(([id, position]) => openLotsOf(id, position, prices.get(id))),
    closed,
    instruments: known.map(([id, position]) =>
      instrumentOf(id, position, byInstrument.get(id) ?? [], prices.get(id)),
    ),
  };
}

function openLotsOf(
  instrumentId: string,
  { method, lots }: CostBasisPosition,
  price: Price | undefined,
): readonly OpenLot[] {
  return lotsOf(method, lots).map(({ id: entryId, time, quantity, cost }) => {
    const known = { instrumentId, entryId, enteredAt: Number(time), quantity, cost };
    return { ...known, ...valueAt(price, quantity, cost) };
  });
}

function instrumentOf(
  instrumentId: string,
  { method, lots, quantity, cost }: CostBasisPosition,
  sold: readonly RoundTrip[],
  price: Price | undefined,
): InstrumentCostBasis {
  const sum = (field: 'proceeds' | 'cost' | 'gain') => sumText(sold.map((trip) => trip[field]));
  return {
    ...{ instrumentId, quantity, cost, openLots: lotsOf(method, lots).length },
    ...(price !== undefined && { price }),
    ...valueAt(price, quantity, cost),
    closedLots: sold.length,
    proceeds: sum('proceeds'),
    costOfSold: sum('cost'),
    realisedGain: sum('gain'),
  };
}

function valueAt(price: Price | undefined, quantity: string, cost: string): Valued {
  if (price === undefined) return {};
  const value = mul(decimal(quantity), decimal(price.price));
  return {
    marketValue: amountText(value),
    unrealisedGain: amountText(sub(value, decimal(cost))),
  };
}

/** Over all instruments; without values where one that is held has none. */
export function totalsOf(instruments: readonly InstrumentCostBasis[]) {
  const held = instruments.filter(({ quantity }) => quantity !== '0');
  const values = held.flatMap(({ marketValue }) =>
    marketValue === undefined ? [] : [marketValue],
  );
  const [cost, value] = [sumOf(held.map((each) => each.cost)), sumOf(values)];
  return {
    realisedGain: sumText(instruments.map((each) => each.realisedGain)),
    cost: amountText(cost),
    ...(values.length === held.length && {
      marketValue: amountText(value),
      unrealisedGain: amountText(sub(value, cost)),
    }),
  };
}

function sumOf(amounts: readonly string[]): Decimal {
  return amounts.reduce((total, amount) => add(total, decimal(amount)), zero);
}

function sumText(amounts: readonly string[]): string {
  return amountText(sumOf(amounts));
}
