import {
  AnalysisQueryService,
  PositionSideSchema,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClassSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { abs, type Decimal, zero } from '../../../kernel/decimal.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { amountText } from '../amounts.ts';
import { dayText } from '../days.ts';
import { enumOf } from '../enums.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { readValuations } from '../performance/read-valuations.ts';
import type { Held } from '../performance/valuation.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import {
  type AssetExposure,
  byAsset,
  byAssetClass,
  exposureMethod,
  grossOf,
  type LeverageDay,
  leverageOver,
  netOf,
  overEquity,
  type Sides,
  sidesOf,
} from './exposure.ts';
import {
  type PortfolioPeriod,
  portfolioOf,
  readPeriod,
  valuationViews,
} from './portfolio-period.ts';

export const exposureQuery = defineQuery({
  method: AnalysisQueryService.method.getPortfolioExposure,
  views: valuationViews,
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader }, found) => {
    const { portfolioId } = query;
    const head = { portfolioId, currency: portfolioOf(found).baseCurrency };
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    if (read === undefined) {
      return { ...head, from: query.from, to: query.to, ...stateOf(nothing), ...overDays([]) };
    }
    const { period, history } = read;
    const { days, last } = await readExposures(reader, read);
    const exposures = byAsset(last.held, history.instruments);
    return {
      ...head,
      from: dayText(period.from),
      to: dayText(period.to),
      ...stateOf(last),
      assets: exposures.map((exposure) => toAsset(exposure, last.equity)),
      assetClasses: byAssetClass(exposures).map(([name, sides]) =>
        toAssetClass(name, sides, last.equity),
      ),
      ...overDays(days),
    };
  },
});

/** A portfolio at the end of a day. */
type State = { readonly equity: Decimal; readonly cash: string; readonly held: readonly Held[] };

const nothing: State = { equity: zero, cash: '0', held: [] };

async function readExposures(reader: Reader, { history, period }: PortfolioPeriod) {
  const days: LeverageDay[] = [];
  let last = nothing;
  await readValuations(reader, history, period, ({ day, value: equity, cash }, held) => {
    days.push({ day, gross: grossOf(sidesOf(held)), equity });
    last = { equity, cash, held };
  });
  return { days, last };
}

function stateOf({ equity, cash, held }: State) {
  const sides = sidesOf(held);
  const { leverage, netLeverage } = exposureMethod;
  return {
    ...{ equity: amountText(equity), cash },
    ...amountsOf(sides),
    leverage: toMeasure(overEquity(leverage, grossOf(sides), equity)),
    netLeverage: toMeasure(overEquity(netLeverage, netOf(sides), equity)),
  };
}

function amountsOf(sides: Sides) {
  return {
    long: amountText(sides.long),
    short: amountText(sides.short),
    gross: amountText(grossOf(sides)),
    net: amountText(netOf(sides)),
  };
}

function overDays(days: readonly LeverageDay[]) {
  const { mean, peak, peakDay } = leverageOver(days);
  return {
    meanLeverage: toMeasure(mean),
    peakLeverage: toMeasure(peak),
    peakLeverageDate: peakDay === undefined ? '' : dayText(peakDay),
  };
}

function toAsset({ asset, assetClass, side, value, held }: AssetExposure, equity: Decimal) {
  return {
    asset,
    assetClass: enumOf(AssetClassSchema, assetClass),
    side: enumOf(PositionSideSchema, side),
    value: amountText(value),
    weight: toMeasure(overEquity(exposureMethod.weight, value, equity)),
    instruments: held.map((each) => ({
      instrumentId: each.instrumentId,
      quantity: amountText(abs(each.quantity)),
      value: amountText(abs(each.value)),
      price: amountText(each.price),
      pricedAt: each.pricedAt === undefined ? '' : dayText(each.pricedAt),
    })),
  };
}

function toAssetClass(assetClass: string, sides: Sides, equity: Decimal) {
  return {
    assetClass: enumOf(AssetClassSchema, assetClass),
    ...amountsOf(sides),
    weight: toMeasure(overEquity(exposureMethod.weight, grossOf(sides), equity)),
  };
}
