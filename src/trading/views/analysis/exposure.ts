import {
  abs,
  add,
  compare,
  type Decimal,
  isNegative,
  isPositive,
  isZero,
  sub,
  toNumber,
  zero,
} from '../../../kernel/decimal.ts';
import type { InstrumentDocument } from '../instruments/instruments.ts';
import { type Measure, measureOf, undefinedMeasure } from '../measures/measure.ts';
import type { Held } from '../performance/valuation.ts';

/** The definition that a figure of exposure follows, named in every answer. */
export const exposureMethod = {
  /** (long + short) / equity. */
  leverage: 'GROSS_VALUE_OVER_EQUITY',
  /** (long - short) / equity. */
  netLeverage: 'NET_VALUE_OVER_EQUITY',
  weight: 'VALUE_OVER_EQUITY',
  meanLeverage: 'MEAN_OF_GROSS_VALUE_OVER_EQUITY_AT_ENDS_OF_DAYS',
  peakLeverage: 'MOST_GROSS_VALUE_OVER_EQUITY_AT_ENDS_OF_DAYS',
} as const;

/** Values on both sides, neither under zero. */
export type Sides = { readonly long: Decimal; readonly short: Decimal };

export type AssetExposure = {
  readonly asset: string;
  readonly assetClass: string;
  readonly side: 'LONG' | 'SHORT';
  readonly value: Decimal;
  readonly held: readonly Held[];
};

const noSides: Sides = { long: zero, short: zero };

export function sidesOf(held: readonly Held[]): Sides {
  return held.reduce(
    ({ long, short }, { value }) =>
      isNegative(value) ? { long, short: sub(short, value) } : { long: add(long, value), short },
    noSides,
  );
}

export function grossOf({ long, short }: Sides): Decimal {
  return add(long, short);
}

export function netOf({ long, short }: Sides): Decimal {
  return sub(long, short);
}

/** A value for each unit of equity; undefined (NO_CAPITAL) where that is not over zero. */
export function overEquity(name: string, value: Decimal, equity: Decimal): Measure {
  return isPositive(equity)
    ? measureOf(name, toNumber(value) / toNumber(equity))
    : undefinedMeasure(name, 'NO_CAPITAL');
}

/** By base asset and side, the largest value first; what an unknown instrument is of is its id. */
export function byAsset(
  held: readonly Held[],
  instruments: ReadonlyMap<string, InstrumentDocument | undefined>,
): readonly AssetExposure[] {
  const groups = Map.groupBy(held, ({ instrumentId, quantity }) => {
    const asset = instruments.get(instrumentId)?.baseAsset ?? instrumentId;
    return `${isNegative(quantity) ? 'SHORT' : 'LONG'} ${asset}`;
  });
  return [...groups]
    .map(([key, own]) => {
      const [first] = own as [Held];
      const side = key.startsWith('SHORT') ? ('SHORT' as const) : ('LONG' as const);
      return {
        asset: key.slice(side.length + 1),
        assetClass: instruments.get(first.instrumentId)?.assetClass ?? '',
        side,
        value: own.map(({ value }) => abs(value)).reduce(add),
        held: own.toSorted((a, b) => compare(abs(b.value), abs(a.value))),
      };
    })
    .sort((a, b) => compare(b.value, a.value) || (a.asset < b.asset ? -1 : 1));
}

/** By asset class, in the order in which they come. */
export function byAssetClass(
  exposures: readonly AssetExposure[],
): readonly (readonly [assetClass: string, sides: Sides])[] {
  return [...Map.groupBy(exposures, ({ assetClass }) => assetClass)].map(([assetClass, own]) => {
    const sum = (wanted: 'LONG' | 'SHORT') =>
      own.reduce((total, { side, value }) => (side === wanted ? add(total, value) : total), zero);
    return [assetClass, { long: sum('LONG'), short: sum('SHORT') }];
  });
}

/** A day as it ended. */
export type LeverageDay = {
  readonly day: number;
  readonly gross: Decimal;
  readonly equity: Decimal;
};

/**
 * The mean over days and the first day with the most. A day without positions has a leverage of 0,
 * whatever its equity; one with a position and no equity makes both undefined.
 */
export function leverageOver(days: readonly LeverageDay[]) {
  const { meanLeverage, peakLeverage } = exposureMethod;
  if (days.length === 0 || days.some((each) => !isZero(each.gross) && !isPositive(each.equity))) {
    const of = (name: string): Measure => undefinedMeasure(name, 'NO_CAPITAL');
    return { mean: of(meanLeverage), peak: of(peakLeverage), peakDay: undefined };
  }
  const all = days.map(({ gross, equity }) =>
    isZero(gross) ? 0 : toNumber(gross) / toNumber(equity),
  );
  const most = Math.max(...all);
  return {
    mean: measureOf(meanLeverage, all.reduce((sum, each) => sum + each, 0) / all.length),
    peak: measureOf(peakLeverage, most),
    peakDay: days[all.indexOf(most)]?.day,
  };
}
