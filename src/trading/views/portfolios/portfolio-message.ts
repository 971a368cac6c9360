import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { CostBasisMethodSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  PortfolioSchema,
  PositionSchema,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import {
  add,
  type Decimal,
  decimal,
  divide,
  mul,
  sub,
  toText,
  zero,
} from '../../../kernel/decimal.ts';
import { amountText, fractionDigitsOfPart } from '../amounts.ts';
import { enumOf } from '../enums.ts';
import type { InstrumentDocument } from '../instruments/instruments.ts';
import { sizeOf } from '../lots/pages.ts';
import type { Found } from '../reading.ts';
import type { PortfolioDocument, Reserved } from './portfolios.ts';
import type { PositionDocument } from './positions.ts';

/** An instrument's last recorded price and its time, undefined while it has none. */
export type LastPrices = ReadonlyMap<string, Pick<InstrumentDocument, 'lastPrice' | 'lastPriceAt'>>;

const sum = (amounts: readonly Decimal[]) => amounts.reduce(add, zero);

/** The portfolio with what it holds, valued at the last recorded prices. */
export function toPortfolio(
  found: Found,
  all: readonly PositionDocument[],
  prices: LastPrices,
): MessageInitShape<typeof PortfolioSchema> {
  const document = found.document as unknown as PortfolioDocument;
  const { name, costBasisMethod, targetWeights, openedAt, lastActivityAt, ...terms } = document;
  const held = all
    .filter(({ quantity }) => quantity !== '0')
    .sort((a, b) => (a.instrumentId < b.instrumentId ? -1 : 1));
  const { firstActivityAt: _, reserved, activities, revision, ...amounts } = terms;
  const reservedCash = sum(reserved.map(([, , cash]) => decimal(cash)));
  return {
    ...amounts,
    reservedCash: amountText(reservedCash),
    freeCash: amountText(sub(decimal(document.cash), reservedCash)),
    ...valueOfAll(held, prices, document.cash),
    portfolioId: found.id,
    portfolioName: name,
    costBasisMethod: enumOf(CostBasisMethodSchema, costBasisMethod),
    positions: held.map((position) => ({
      ...toPosition(position, prices),
      reservedQuantity: unitsOf(reserved, position.instrumentId),
    })),
    targetWeights: targetWeights.map(([instrumentId, weight]) => ({ instrumentId, weight })),
    realisedGain: amountText(sum(all.map(({ realised }) => decimal(realised)))),
    openedAt: timestampFromMs(openedAt),
    ...(lastActivityAt !== undefined && { lastActivityAt: timestampFromMs(lastActivityAt) }),
    activities: BigInt(activities),
    revision: BigInt(revision),
  };
}

/** Those of the instrument. */
function unitsOf(reserved: readonly Reserved[], instrumentId: string): string {
  const own = reserved.filter(([, id]) => id === instrumentId);
  return toText(sum(own.map(([, , , units]) => decimal(units))));
}

/** Nothing where one of the positions has no price: a sum without it would be wrong. */
function valueOfAll(held: readonly PositionDocument[], prices: LastPrices, cash: string) {
  const values: Decimal[] = [];
  for (const { instrumentId, quantity } of held) {
    const price = prices.get(instrumentId)?.lastPrice;
    if (price === undefined) return {};
    values.push(mul(decimal(quantity), decimal(price)));
  }
  const value = sum(values);
  const cost = sum(held.map((position) => decimal(position.cost)));
  return {
    unrealisedGain: amountText(sub(value, cost)),
    totalValue: amountText(add(decimal(cash), value)),
  };
}

function toPosition(
  position: PositionDocument,
  prices: LastPrices,
): MessageInitShape<typeof PositionSchema> {
  const { instrumentId, quantity, realised: realisedGain, lots } = position;
  const cost = decimal(position.cost);
  const averageCost = divide(cost, decimal(quantity), {
    fractionDigits: fractionDigitsOfPart(cost),
    rounding: 'HALF_UP',
  });
  const known = { instrumentId, quantity, cost: position.cost, realisedGain };
  const stated = { ...known, averageCost: amountText(averageCost), openLots: sizeOf(lots) };
  const { lastPrice: price, lastPriceAt } = prices.get(instrumentId) ?? {};
  if (price === undefined || lastPriceAt === undefined) return stated;
  const value = mul(decimal(quantity), decimal(price));
  return {
    ...stated,
    price,
    priceAt: timestampFromMs(lastPriceAt),
    marketValue: amountText(value),
    unrealisedGain: amountText(sub(value, cost)),
  };
}
