import type { RecordTradeCommand } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import type { TradeRecorded } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import {
  add,
  type Decimal,
  isNegative,
  isPositive,
  mul,
  neg,
  sub,
  toText,
} from '../../kernel/decimal.ts';
import { isRejection, type Rejection, rejectFieldAs } from '../../kernel/rejection.ts';
import { activityTime } from './activity-time.ts';
import { cashAfter, withinLimit } from './amounts.ts';
import { type Order, orderOf, type PortfolioRelated } from './order.ts';
import { quantityOf } from './positions.ts';
import { reservedCash, reservedUnits } from './reservations.ts';
import type { OpenPortfolio } from './state.ts';

export function recordTrade(
  command: RecordTradeCommand,
  portfolio: OpenPortfolio,
  context: DecisionContext<PortfolioRelated>,
): readonly TradeRecorded[] | Rejection {
  const { lastActivity, baseCurrency } = portfolio;
  const time = activityTime('executed_at', command.executedAt, lastActivity, context.nowMs);
  if (isRejection(time)) return time;
  const order = orderOf(command, baseCurrency, context.related.instrument);
  if (isRejection(order)) return order;
  const unknown = refuseStrategy(command, portfolio, context.related.strategy);
  if (unknown !== undefined) return unknown;
  const change = changeBy(command.side, order);
  const by = { field: 'quantity', subject: 'the trade takes' };
  const cash = cashAfter({
    ...{ cash: portfolio.cash, change: change.cash, currency: baseCurrency },
    ...{ reserved: reservedCash(portfolio.reservations), ...by },
  });
  if (isRejection(cash)) return cash;
  const position = positionAfter(portfolio, command.instrumentId, order, change.quantity);
  if (isRejection(position)) return position;
  const { instrument, quantity, price, fee, feeCurrency } = order;
  // Written out, so that no field is forgotten; and `create` would be a third of a trade's time.
  return [
    {
      $typeName: 'cipherhorizon.trading.v1.TradeRecorded',
      portfolioId: context.id,
      userId: portfolio.userId,
      tradeId: context.commandId,
      instrumentId: command.instrumentId,
      baseAsset: instrument.baseAsset,
      quoteCurrency: instrument.quoteCurrency,
      side: command.side,
      quantity: toText(quantity),
      price: toText(price),
      fee: toText(fee),
      feeCurrency,
      cashChange: toText(change.cash),
      quantityChange: toText(change.quantity),
      cash: toText(cash),
      position: toText(position),
      costBasisMethod: portfolio.costBasisMethod,
      assetClass: instrument.assetClass,
      strategyId: command.strategyId,
      executedAt: time,
    },
  ];
}

/** What the trade adds to cash and position. Its fee is taken from the one or the other. */
function changeBy(side: TradeSide, { price, quantity, fee, feeCurrency, instrument }: Order) {
  const amount = mul(price, quantity);
  const change =
    side === TradeSide.BUY
      ? { cash: neg(amount), quantity }
      : { cash: amount, quantity: neg(quantity) };
  return feeCurrency === instrument.quoteCurrency
    ? { cash: sub(change.cash, fee), quantity: change.quantity }
    : { cash: change.cash, quantity: sub(change.quantity, fee) };
}

/** In the same words whether there is none, or it is another user's. */
function refuseStrategy(
  { strategyId }: RecordTradeCommand,
  { userId }: OpenPortfolio,
  strategy: PortfolioRelated['strategy'],
): Rejection | undefined {
  if (strategyId === '' || strategy?.userId === userId) return undefined;
  const message = `strategy_id is '${strategyId}'; the user of the portfolio has no such strategy`;
  return rejectFieldAs('PRECONDITION', 'STRATEGY_UNKNOWN', 'strategy_id', message);
}

/** Nothing is sold, nor paid as a fee, that is not there. */
function positionAfter(
  { positions, reservations }: OpenPortfolio,
  instrumentId: string,
  { instrument }: Order,
  change: Decimal,
): Decimal | Rejection {
  const held = quantityOf(positions, instrumentId);
  const reserved = reservedUnits(reservations, instrumentId);
  if (!isNegative(sub(add(held, change), reserved)) || isPositive(change)) {
    return withinLimit(held, change, `the position in '${instrumentId}'`, 'quantity');
  }
  const needed = `the trade takes ${toText(neg(change))} ${instrument.baseAsset}`;
  const aside = isPositive(reserved) ? `, of which ${toText(reserved)} are reserved` : '';
  const message = `${needed}; the portfolio holds ${toText(held)} of '${instrumentId}'${aside}`;
  return rejectFieldAs('PRECONDITION', 'INSUFFICIENT_POSITION', 'quantity', message);
}
