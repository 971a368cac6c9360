import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  DepositCashCommand,
  OpenPortfolioCommand,
  RecordTradeCommand,
  UpdatePortfolioCommand,
  WithdrawCashCommand,
} from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CashDepositedSchema,
  CashWithdrawnSchema,
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type {
  ReleaseReservationCommand,
  ReserveForSignalCommand,
  SettleSignalCommand,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import type { DecisionContext, Relation } from '../../kernel/decider.ts';
import { neg, toText } from '../../kernel/decimal.ts';
import { isRejection, type Rejection, reject } from '../../kernel/rejection.ts';
import { activityTime } from './activity-time.ts';
import { cashAfter, positiveAmount } from './amounts.ts';
import type { PortfolioRelated } from './order.ts';
import { reservedCash } from './reservations.ts';
import { reserveForSignal } from './reserve.ts';
import { releaseReservation, settleSignal } from './settle.ts';
import type { OpenPortfolio, PortfolioEvent, PortfolioState } from './state.ts';
import { checkTargetWeights, sameWeights } from './target-weights.ts';
import { recordTrade } from './trade.ts';

export type PortfolioCommand =
  | OpenPortfolioCommand
  | UpdatePortfolioCommand
  | DepositCashCommand
  | WithdrawCashCommand
  | RecordTradeCommand
  | ReserveForSignalCommand
  | SettleSignalCommand
  | ReleaseReservationCommand;

type Decision = readonly PortfolioEvent[] | Rejection;
type Context = DecisionContext<PortfolioRelated>;

export function related(command: PortfolioCommand): { readonly [name: string]: Relation } {
  if (command.$typeName === 'cipherhorizon.trading.v1.ReleaseReservationCommand') {
    const { orderId } = command;
    return orderId === '' ? {} : { order: { category: 'order', id: orderId } };
  }
  if (command.$typeName !== 'cipherhorizon.trading.v1.RecordTradeCommand') return {};
  const { instrumentId, strategyId } = command;
  const instrument = { category: 'instrument', id: instrumentId };
  if (strategyId === '') return { instrument };
  return { instrument, strategy: { category: 'strategy', id: strategyId } };
}

export function decide(
  command: PortfolioCommand,
  state: PortfolioState,
  context: Context,
): Decision {
  if (command.$typeName === 'cipherhorizon.trading.v1.OpenPortfolioCommand') {
    return openPortfolio(command, state, context);
  }
  if (state.lifecycle === 'absent') {
    return reject('NOT_FOUND', 'PORTFOLIO_NOT_FOUND', `there is no portfolio '${context.id}'`);
  }
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.UpdatePortfolioCommand':
      return updatePortfolio(command, state, context);
    case 'cipherhorizon.trading.v1.DepositCashCommand':
    case 'cipherhorizon.trading.v1.WithdrawCashCommand':
      return moveCash(command, state, context);
    case 'cipherhorizon.trading.v1.RecordTradeCommand':
      return recordTrade(command, state, context);
    case 'cipherhorizon.trading.v1.ReserveForSignalCommand':
      return reserveForSignal(command, state, context);
    case 'cipherhorizon.trading.v1.SettleSignalCommand':
      return settleSignal(command, state, context);
    case 'cipherhorizon.trading.v1.ReleaseReservationCommand':
      return releaseReservation(command, state, context, context.related.order);
  }
}

function openPortfolio(
  command: OpenPortfolioCommand,
  state: PortfolioState,
  { id, nowMs }: Context,
): Decision {
  if (state.lifecycle !== 'absent') {
    const message = `the portfolio '${id}' exists already`;
    return reject('ALREADY_EXISTS', 'PORTFOLIO_ALREADY_EXISTS', message);
  }
  const { userId, portfolioName, baseCurrency, costBasisMethod } = command;
  return [
    create(PortfolioOpenedSchema, {
      portfolioId: id,
      userId,
      portfolioName,
      baseCurrency,
      costBasisMethod,
      openedAt: timestampFromMs(nowMs),
    }),
  ];
}

/** Target weights that are present replace those before: an empty list takes them all away. */
function updatePortfolio(
  command: UpdatePortfolioCommand,
  portfolio: OpenPortfolio,
  { id, nowMs }: Context,
): Decision {
  const portfolioName = command.portfolioName === '' ? portfolio.name : command.portfolioName;
  const targetWeights =
    command.targetWeights === undefined
      ? portfolio.targetWeights
      : checkTargetWeights(command.targetWeights.weights);
  if (isRejection(targetWeights)) return targetWeights;
  if (portfolioName === portfolio.name && sameWeights(targetWeights, portfolio.targetWeights)) {
    return [];
  }
  return [
    create(PortfolioUpdatedSchema, {
      portfolioId: id,
      userId: portfolio.userId,
      portfolioName,
      targetWeights: [...targetWeights],
      updatedAt: timestampFromMs(nowMs),
    }),
  ];
}

function moveCash(
  command: DepositCashCommand | WithdrawCashCommand,
  portfolio: OpenPortfolio,
  { id, nowMs }: Context,
): Decision {
  const { lastActivity, baseCurrency: currency, userId } = portfolio;
  const time = activityTime('occurred_at', command.occurredAt, lastActivity, nowMs);
  if (isRejection(time)) return time;
  const amount = positiveAmount('amount', command.amount);
  if (isRejection(amount)) return amount;
  const deposits = command.$typeName === 'cipherhorizon.trading.v1.DepositCashCommand';
  const change = deposits ? amount : neg(amount);
  const by = { field: 'amount', subject: 'amount is' };
  const reserved = reservedCash(portfolio.reservations);
  const cash = cashAfter({ cash: portfolio.cash, reserved, change, currency, ...by });
  if (isRejection(cash)) return cash;
  const activity = {
    portfolioId: id,
    userId,
    amount: toText(amount),
    currency,
    cash: toText(cash),
    note: command.note,
    occurredAt: time,
  };
  return [deposits ? create(CashDepositedSchema, activity) : create(CashWithdrawnSchema, activity)];
}
