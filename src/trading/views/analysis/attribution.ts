import {
  add,
  type Decimal,
  decimal,
  isZero,
  sub,
  toNumber,
  zero,
} from '../../../kernel/decimal.ts';
import { contributionsOf, type GainDay } from '../measures/contribution.ts';
import type { Measure } from '../measures/measure.ts';
import type { Held, Valuation } from '../performance/valuation.ts';
import type { PortfolioTrade } from '../statistics/read-trades.ts';
import { dayOfTime } from '../times.ts';

/** A portfolio at the end of a day, with what it held. */
export type HeldDay = { readonly valuation: Valuation; readonly held: readonly Held[] };

export type Attribution = {
  readonly asset: string;
  readonly instrumentIds: readonly string[];
  readonly gain: Decimal;
  readonly contribution: Measure;
  readonly trades: number;
};

/**
 * What each asset gained behind the end of the first day, and added to the time-weighted return. Its
 * gain of a day is the change of its value and the cash of its trades: all of them sum up to the
 * value of the portfolio less that of the day before, its deposits, and plus its withdrawals.
 *
 * trades: of the days behind the first one; they are all in the currency of the portfolio
 */
export function attributionOf(
  days: readonly HeldDay[],
  trades: readonly PortfolioTrade[],
  assetOf: (instrumentId: string) => string,
): readonly Attribution[] {
  const tradesByDay = Map.groupBy(trades, ({ time }) => dayOfTime(time));
  const gains = new Map<string, Decimal>();
  const gainDays: GainDay[] = [];
  for (const [at, { valuation, held }] of days.entries()) {
    const before = days[at - 1];
    if (before === undefined) continue;
    const ofDay = gainsOf(before.held, held, tradesByDay.get(valuation.day) ?? []);
    for (const [id, gain] of ofDay) gains.set(id, add(gains.get(id) ?? zero, gain));
    gainDays.push({
      capital: toNumber(add(before.valuation.value, decimal(valuation.deposits))),
      gains: byAsset(ofDay, assetOf),
    });
  }
  const seen = [...gains.keys()].sort();
  const ids = Map.groupBy(seen, assetOf);
  const contributions = contributionsOf(gainDays, ids.keys());
  const tradesById = Map.groupBy(trades, ({ instrumentId }) => instrumentId);
  return [...ids]
    .map(([asset, instrumentIds]) => ({
      asset,
      instrumentIds,
      gain: instrumentIds.map((id) => gains.get(id) ?? zero).reduce(add),
      contribution: contributions.get(asset) as Measure,
      trades: instrumentIds.reduce((sum, id) => sum + (tradesById.get(id)?.length ?? 0), 0),
    }))
    .sort(byContribution);
}

/** By instrument, of all that were held at one of the two ends or traded between them. */
function gainsOf(
  before: readonly Held[],
  after: readonly Held[],
  trades: readonly PortfolioTrade[],
): ReadonlyMap<string, Decimal> {
  const gains = new Map<string, Decimal>();
  const put = (id: string, amount: Decimal) => gains.set(id, add(gains.get(id) ?? zero, amount));
  for (const { instrumentId, value } of after) put(instrumentId, value);
  for (const { instrumentId, value } of before) put(instrumentId, sub(zero, value));
  for (const { instrumentId, cashChange } of trades) put(instrumentId, decimal(cashChange));
  return gains;
}

function byAsset(
  gains: ReadonlyMap<string, Decimal>,
  assetOf: (instrumentId: string) => string,
): ReadonlyMap<string, number> {
  const sums = new Map<string, Decimal>();
  for (const [id, gain] of gains) {
    if (!isZero(gain)) sums.set(assetOf(id), add(sums.get(assetOf(id)) ?? zero, gain));
  }
  return new Map([...sums].map(([asset, gain]) => [asset, toNumber(gain)]));
}

function byContribution(a: Attribution, b: Attribution): number {
  const [first, second] = [a, b].map(({ contribution, gain }) =>
    'value' in contribution ? contribution.value : toNumber(gain),
  ) as [number, number];
  return second - first || (a.asset < b.asset ? -1 : 1);
}
