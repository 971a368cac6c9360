import { add, type Decimal, decimal, mul, sub, zero } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import type { CostBasisPosition } from '../cost-basis.ts';
import { lotsOf } from '../lots/lot-book.ts';
import { sizeOf } from '../lots/pages.ts';
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
};

export type InstrumentCostBasis = {
  readonly instrumentId: string;
  readonly quantity: string;
  readonly cost: string;
  readonly openLots: number;
  readonly closedLots: number;
  readonly proceeds: string;
  readonly costOfSold: string;
  readonly realisedGain: string;
};

/** What something is worth; empty where there is no price. */
export type Value = { readonly marketValue?: string; readonly unrealisedGain?: string };

export type CostBasisReport = {
  /** By instrument and purchase. */
  readonly open: readonly OpenLot[];
  /** In the order of their sales. */
  readonly closed: readonly RoundTrip[];
  readonly instruments: readonly InstrumentCostBasis[];
};

/** What the replay of all trades until some time left open, and what sales closed from a time on. */
export function costBasisReport({ trips, positions }: Replay, fromMs: number): CostBasisReport {
  const closed = trips.filter(({ exitedAt }) => exitedAt >= fromMs);
  const byInstrument = Map.groupBy(closed, ({ instrumentId }) => instrumentId);
  const known = [...positions].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    open: known.flatMap(([id, position]) => openLotsOf(id, position)),
    closed,
    instruments: known.map(([id, position]) =>
      instrumentOf(id, position, byInstrument.get(id) ?? []),
    ),
  };
}

function openLotsOf(instrumentId: string, { method, lots }: CostBasisPosition): readonly OpenLot[] {
  return lotsOf(method, lots).map(({ id: entryId, time, quantity, cost }) => {
    return { instrumentId, entryId, enteredAt: Number(time), quantity, cost };
  });
}

function instrumentOf(
  instrumentId: string,
  { lots, quantity, cost }: CostBasisPosition,
  sold: readonly RoundTrip[],
): InstrumentCostBasis {
  const sum = (field: 'proceeds' | 'cost' | 'gain') => sumText(sold.map((trip) => trip[field]));
  return {
    ...{ instrumentId, quantity, cost, openLots: sizeOf(lots) },
    closedLots: sold.length,
    proceeds: sum('proceeds'),
    costOfSold: sum('cost'),
    realisedGain: sum('gain'),
  };
}

/** At the price. */
export function valueAt(
  { quantity, cost }: Pick<OpenLot, 'quantity' | 'cost'>,
  price: Price | undefined,
): Value {
  if (price === undefined) return {};
  const value = mul(decimal(quantity), decimal(price.price));
  return {
    marketValue: amountText(value),
    unrealisedGain: amountText(sub(value, decimal(cost))),
  };
}

/** Over all instruments; without values where one that is held has none. */
export function totalsOf(instruments: readonly (InstrumentCostBasis & Value)[]) {
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
