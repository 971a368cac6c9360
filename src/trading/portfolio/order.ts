import type { RecordTradeCommand } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import type { AssetClass } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { compare, type Decimal, decimal, isZero, toText, zero } from '../../kernel/decimal.ts';
import { roundToTick, truncateToLot } from '../../kernel/precision.ts';
import { isRejection, type Rejection, reject, rejectField } from '../../kernel/rejection.ts';
import { positiveAmount } from './amounts.ts';

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

/** The state of the instrument is there for trades, and only for them. */
export type PortfolioRelated = {
  readonly instrument?: { readonly lifecycle: 'absent' } | TradedInstrument;
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
  const quantity = quantityFor(command.quantity, instrument);
  if (isRejection(quantity)) return quantity;
  const price = priceFor(command.price, instrument);
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
    const message = `the instrument '${instrumentId}' is not registered`;
    return reject('PRECONDITION', 'INSTRUMENT_UNKNOWN', message);
  }
  if (instrument.quoteCurrency === baseCurrency) return instrument;
  const quoted = `'${instrumentId}' is quoted in ${instrument.quoteCurrency}`;
  const message = `${quoted}; the portfolio is kept in ${baseCurrency}`;
  return reject('PRECONDITION', 'QUOTE_CURRENCY_MISMATCH', message);
}

/** The whole lots within the quantity that was asked for; at least the minimum. */
function quantityFor(text: string, instrument: TradedInstrument): Decimal | Rejection {
  const asked = positiveAmount('quantity', text);
  if (isRejection(asked)) return asked;
  const { lotSize, minimumOrderSize: minimum } = instrument;
  const quantity = truncateToLot(asked, lotSize);
  if (!isZero(quantity) && compare(quantity, minimum) >= 0) return quantity;
  const lots = `quantity is ${text}, in lots of ${toText(lotSize)} ${toText(quantity)}`;
  const message = `${lots}; it has to be over 0 and at least ${toText(minimum)}`;
  return rejectField('QUANTITY_BELOW_MINIMUM', 'quantity', message);
}

function priceFor(text: string, { tickSize }: TradedInstrument): Decimal | Rejection {
  const asked = positiveAmount('price', text);
  if (isRejection(asked)) return asked;
  const price = roundToTick(asked, tickSize);
  if (!isZero(price)) return price;
  const message = `price is ${text}, in ticks of ${toText(tickSize)} 0; it has to be over 0`;
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
