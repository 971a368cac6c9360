import type { ExecuteTradeSignalCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import type { ExecutionModel } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import {
  add,
  compare,
  type Decimal,
  decimal,
  isPositive,
  isZero,
  max,
  min,
  mul,
  round,
  sub,
  toText,
  zero,
} from '../../kernel/decimal.ts';
import { roundUpToLot, truncateToLot } from '../../kernel/precision.ts';
import {
  isRejection,
  type Rejection,
  reject,
  rejectField,
  rejectFieldAs,
} from '../../kernel/rejection.ts';
import type { RiskLimits } from '../model/risk.ts';
import { entryBudget, entryQuantity } from '../model/sizing.ts';
import type { SignalAccount } from './account.ts';
import type { SignalInstrument } from './related.ts';

/** What is traded, and the cash that a purchase may take: its reservation. */
export type Size = { readonly quantity: Decimal; readonly budget: Decimal };

export type Sizing = {
  readonly command: ExecuteTradeSignalCommand;
  readonly account: SignalAccount;
  readonly instrument: SignalInstrument;
  readonly limits: RiskLimits;
  readonly execution: ExecutionModel;
  /** The last recorded close. */
  readonly close: Decimal;
  readonly limitPrice: Decimal | undefined;
};

const one = decimal('1');

/**
 * How much more than at the last close a market order of a given quantity may come to: the next
 * candle may open higher. What it does not take is free again once it is settled.
 */
const cushion = decimal('1.05');

const budgetDigits = 18;

export function purchaseSize(sizing: Sizing): Size | Rejection {
  const { size } = sizing.command;
  if (size.case === 'quantity') return purchaseOfQuantity(sizing, decimal(size.value));
  return purchaseOfFraction(sizing, decimal(size.value ?? '0'));
}

function purchaseOfQuantity(sizing: Sizing, asked: Decimal): Size | Rejection {
  const { account, execution, close, limitPrice } = sizing;
  const quantity = tradable(sizing, 'quantity', asked);
  if (isRejection(quantity)) return quantity;
  const withFee = mul(mul(quantity, limitPrice ?? close), add(one, decimal(execution.feeRate)));
  const least =
    limitPrice === undefined ? mul(withFee, add(one, decimal(execution.slippage))) : withFee;
  if (compare(least, account.freeCash) > 0) return refuseCash(sizing, least);
  const most = limitPrice === undefined ? mul(least, cushion) : least;
  return { quantity, budget: min(up(most), down(account.freeCash)) };
}

/** No more than the largest position has room for: what there is of it counts. */
function purchaseOfFraction(sizing: Sizing, fraction: Decimal): Size | Rejection {
  const { account, instrument, limits, close, limitPrice } = sizing;
  if (!isPositive(fraction)) return refuseFraction(sizing);
  const { equity, freeCash: cash, held, pending } = account;
  const { maxPositionSize } = limits;
  const asked = entryBudget({ equity, cash, fraction, maxPositionSize });
  const exposed = add(mul(held, close), pending);
  const room = maxPositionSize === undefined ? asked : sub(mul(equity, maxPositionSize), exposed);
  const budget = down(min(asked, max(room, zero)));
  if (!isPositive(cash)) return refuseCash(sizing, mul(instrument.lotSize, close));
  const price = limitPrice === undefined ? close : max(limitPrice, close);
  const quantity = isPositive(budget) ? entryQuantity(budget, price, instrument.lotSize) : zero;
  const checked = tradable(sizing, 'fraction', quantity);
  return isRejection(checked) ? checked : { quantity: checked, budget };
}

export function saleSize(sizing: Sizing): Size | Rejection {
  const { command, account } = sizing;
  const { size, instrumentId } = command;
  const { freeUnits } = account;
  if (size.case === 'fraction' && !isPositive(decimal(size.value))) return refuseFraction(sizing);
  if (!isPositive(freeUnits)) {
    const message = `the portfolio has no units of '${instrumentId}' that are free`;
    return reject('PRECONDITION', 'INSUFFICIENT_POSITION', message);
  }
  const isFraction = size.case === 'fraction';
  const asked = decimal(size.value ?? '0');
  const quantity = isFraction
    ? tradable(sizing, 'fraction', mul(freeUnits, asked))
    : tradable(sizing, 'quantity', asked);
  if (isRejection(quantity)) return quantity;
  if (compare(quantity, freeUnits) <= 0) return { quantity, budget: zero };
  const message = `quantity is ${toText(asked)}; ${toText(freeUnits)} of '${instrumentId}' are free`;
  return rejectFieldAs('PRECONDITION', 'INSUFFICIENT_POSITION', 'quantity', message);
}

/** The whole lots within the quantity; at least the minimum of an order. */
function tradable(
  { command, instrument }: Pick<Sizing, 'command' | 'instrument'>,
  field: 'quantity' | 'fraction',
  asked: Decimal,
): Decimal | Rejection {
  const { lotSize, minimumOrderSize: minimum } = instrument;
  const quantity = truncateToLot(asked, lotSize);
  if (isPositive(quantity) && compare(quantity, minimum) >= 0) return quantity;
  const least = isZero(minimum) ? lotSize : roundUpToLot(minimum, lotSize);
  const value = command.size.value ?? '';
  const comesTo = field === 'fraction' ? `, which comes to ${toText(quantity)}` : '';
  const message =
    `${field} is ${value}${comesTo}; '${command.instrumentId}' is traded in whole lots of ` +
    `${toText(lotSize)}, and the least quantity is ${toText(least)}`;
  return rejectFieldAs('PRECONDITION', 'QUANTITY_BELOW_MINIMUM', field, message);
}

function refuseFraction({ command }: Pick<Sizing, 'command'>): Rejection {
  const message = `fraction is ${command.size.value}; it has to be over 0`;
  return rejectField('AMOUNT_NOT_POSITIVE', 'fraction', message);
}

function refuseCash({ account, instrument }: Sizing, needed: Decimal): Rejection {
  const { quoteCurrency } = instrument;
  const free = `${toText(account.freeCash)} ${quoteCurrency} of the portfolio are free`;
  const message = `the purchase takes ${toText(needed)} ${quoteCurrency} or more; ${free}`;
  return reject('PRECONDITION', 'INSUFFICIENT_CASH', message);
}

const down = (amount: Decimal) => round(amount, budgetDigits, 'TRUNCATE');
const up = (amount: Decimal) => round(amount, budgetDigits, 'UP');
