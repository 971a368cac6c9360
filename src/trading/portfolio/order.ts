import type { RecordTradeCommand } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import type { AssetClass } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { compare, type Decimal, decimal, isZero, toText, zero } from '../../kernel/decimal.ts';
import { roundToTick, roundUpToLot, truncateToLot } from '../../kernel/precision.ts';
import { isRejection, type Rejection, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';
import { positiveAmount } from './amounts.ts';
import type { SettledOrder } from './settle.ts';

/** What a trade needs to know of its instrument. */
export type TradedInstrument = {
  readonly lifecycle: 'registered';
  readonly assetClass: AssetClass;
  readonly baseAsset: string;
  readonly quoteCurrency: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  readonly minimumOrderSize: Decimal;
};

/**
 * What is there for trades, and only for them: the strategy where the trade names one. For the
 * release of a reservation: the order that it was made for.
 */
export type PortfolioRelated = {
  readonly instrument?: { readonly lifecycle: 'absent' } | TradedInstrument;
  /** A strategy has a user from its first event on, also when it is archived. */
  readonly strategy?: { readonly lifecycle: string; readonly userId?: string };
  readonly order?: SettledOrder;
};

/** What is traded, by the rules of the instrument. */
export type Order = {
  readonly instrument: TradedInstrument;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
  readonly feeCurrency: string;
};

export function orderOf(
  command: RecordTradeCommand,
  baseCurrency: string,
  related: PortfolioRelated['instrument'],
): Order | Rejection {
  const instrument = tradable(command.instrumentId, baseCurrency, related);
  if (isRejection(instrument)) return instrument;
  const quantity = quantityFor(command, instrument);
  if (isRejection(quantity)) return quantity;
  const price = priceFor(command, instrument);
  if (isRejection(price)) return price;
  const feeCurrency = feeCurrencyFor(command, instrument);
  if (isRejection(feeCurrency)) return feeCurrency;
  const fee = command.fee === '' ? zero : decimal(command.fee);
  return { instrument, quantity, price, fee, feeCurrency };
}

function tradable(
  instrumentId: string,
  baseCurrency: string,
  instrument: PortfolioRelated['instrument'],
): TradedInstrument | Rejection {
  if (instrument === undefined || instrument.lifecycle === 'absent') {
    const message = `instrument_id is '${instrumentId}', which is not registered`;
    return rejectFieldAs('PRECONDITION', 'INSTRUMENT_UNKNOWN', 'instrument_id', message);
  }
  if (instrument.quoteCurrency === baseCurrency) return instrument;
  const quoted = `instrument_id is '${instrumentId}', which is quoted in ${instrument.quoteCurrency}`;
  const message = `${quoted}; the portfolio is kept in ${baseCurrency}`;
  return rejectFieldAs('PRECONDITION', 'QUOTE_CURRENCY_MISMATCH', 'instrument_id', message);
}

/** The whole lots within the quantity that was asked for; at least the minimum. */
function quantityFor(
  { quantity: text, instrumentId }: RecordTradeCommand,
  instrument: TradedInstrument,
): Decimal | Rejection {
  const asked = positiveAmount('quantity', text);
  if (isRejection(asked)) return asked;
  const { lotSize, minimumOrderSize: minimum } = instrument;
  const quantity = truncateToLot(asked, lotSize);
  if (!isZero(quantity) && compare(quantity, minimum) >= 0) return quantity;
  const least = isZero(minimum) ? lotSize : roundUpToLot(minimum, lotSize);
  const message =
    `quantity is ${text}; '${instrumentId}' is traded in whole lots of ${toText(lotSize)}, ` +
    `and the least quantity is ${toText(least)}`;
  return rejectField('QUANTITY_BELOW_MINIMUM', 'quantity', message);
}

function priceFor(
  { price: text, instrumentId }: RecordTradeCommand,
  { tickSize }: TradedInstrument,
): Decimal | Rejection {
  const asked = positiveAmount('price', text);
  if (isRejection(asked)) return asked;
  const price = roundToTick(asked, tickSize);
  if (!isZero(price)) return price;
  const tick = toText(tickSize);
  const message =
    `price is ${text}, which is nearer to 0 than to the tick of ${tick}; '${instrumentId}' has ` +
    `${tick} as its lowest price`;
  return rejectField('AMOUNT_NOT_POSITIVE', 'price', message);
}

function feeCurrencyFor(
  { feeCurrency }: RecordTradeCommand,
  { quoteCurrency, baseAsset }: TradedInstrument,
): string | Rejection {
  if (feeCurrency === '') return quoteCurrency;
  if (feeCurrency === quoteCurrency || feeCurrency === baseAsset) return feeCurrency;
  const message = `fee_currency is ${feeCurrency}; it has to be ${quoteCurrency} or ${baseAsset}`;
  return rejectField('FEE_CURRENCY_INVALID', 'fee_currency', message);
}
