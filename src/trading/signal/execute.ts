import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RiskProfileSchema, TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { ExecuteTradeSignalCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalAccepted,
  SignalAcceptedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderTermsSchema,
  type ReservationLimits,
  ReservationLimitsSchema,
  SignalOrigin,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { type Decimal, decimal, isPositive, mul, round, toText } from '../../kernel/decimal.ts';
import {
  isRejection,
  type Rejection,
  reject,
  rejectField,
  rejectFieldAs,
} from '../../kernel/rejection.ts';
import { secondsOf } from '../model/interval.ts';
import { completeModel, paperVenue } from '../model/paper-venue.ts';
import { closeOf, type RecentCandle } from '../model/recent-candles.ts';
import { type RiskLimits, riskLimitsOf } from '../model/risk.ts';
import { accountOf, type SignalAccount, type SignalPortfolio } from './account.ts';
import {
  pricesOf,
  type SignalInstrument,
  type SignalRelated,
  type SignalStrategy,
} from './related.ts';
import { refuseRisk } from './risk.ts';
import { purchaseSize, type Size, saleSize } from './size.ts';

type Context = DecisionContext<SignalRelated>;

/** What a signal is about, as far as it is there and the caller's. */
type Subject = {
  readonly strategy: SignalStrategy;
  readonly portfolio: SignalPortfolio;
  readonly instrument: SignalInstrument;
  readonly candle: RecentCandle;
};

const defaultGoodFor = 5;

/**
 * Whether the risk profile of the strategy and the state of the portfolio let a signal through, and
 * what it comes to. The time that counts is that of the market: the end of the last recorded candle.
 */
export function executeTradeSignal(
  command: ExecuteTradeSignalCommand,
  context: Context,
): readonly SignalAccepted[] | Rejection {
  const subject = subjectOf(command, context);
  if (isRejection(subject)) return subject;
  const { strategy, portfolio, instrument, candle } = subject;
  const limits = riskLimitsOf(strategy.riskProfile);
  const close = closeOf(candle);
  const account = accountOf(portfolio, command.instrumentId, close, pricesOf(context.related));
  const limitPrice = limitOf(command);
  if (isRejection(limitPrice)) return limitPrice;
  const execution = completeModel(command.execution);
  const sizing = { command, account, instrument, limits, execution, close, limitPrice };
  const isPurchase = command.side === TradeSide.BUY;
  const size = isPurchase ? purchaseSize(sizing) : saleSize(sizing);
  if (isRejection(size)) return size;
  const nowSeconds = candle.start + secondsOf(command.interval);
  const { instrumentId } = command;
  const purchase = { instrumentId, quantity: size.quantity, price: close, nowSeconds };
  const refusal = isPurchase ? refuseRisk(limits, account, purchase) : undefined;
  if (refusal !== undefined) return refusal;
  return [
    create(SignalAcceptedSchema, {
      signalId: context.id,
      terms: termsOf(command, subject, size, context.id),
      origin: command.origin === 0 ? SignalOrigin.REQUEST : command.origin,
      riskProfile: create(RiskProfileSchema, strategy.riskProfile),
      limits: reservationLimits(limits, account, close),
      acceptedAt: timestampFromMs(context.nowMs),
    }),
  ];
}

function termsOf(
  command: ExecuteTradeSignalCommand,
  { instrument, candle }: Subject,
  { quantity, budget }: Size,
  id: string,
) {
  const { userId, portfolioId, strategyId, instrumentId, interval, side } = command;
  const { tickSize, lotSize, minimumOrderSize, assetClass, baseAsset, quoteCurrency } = instrument;
  return create(OrderTermsSchema, {
    ...{ orderId: id, signalId: id, userId, portfolioId, strategyId, instrumentId, interval, side },
    quantity: toText(quantity),
    limitPrice: command.limitPrice === '' ? '' : toText(decimal(command.limitPrice)),
    budget: side === TradeSide.BUY ? toText(budget) : '',
    placedAfter: BigInt(candle.start),
    goodForCandles: command.goodForCandles === 0 ? defaultGoodFor : command.goodForCandles,
    venue: paperVenue,
    execution: completeModel(command.execution),
    ...{ assetClass, baseAsset, quoteCurrency },
    tickSize: toText(tickSize),
    lotSize: toText(lotSize),
    minimumOrderSize: toText(minimumOrderSize),
  });
}

export function reservationLimits(
  { maxPositionSize, maxOpenPositions }: RiskLimits,
  { equity }: SignalAccount,
  price: Decimal,
): ReservationLimits {
  const most = maxPositionSize && round(mul(equity, maxPositionSize), 36, 'TRUNCATE');
  return create(ReservationLimitsSchema, {
    price: toText(price),
    equity: toText(equity),
    positionValue: most === undefined ? '' : toText(most),
    openPositions: maxOpenPositions,
  });
}

function limitOf({ limitPrice }: ExecuteTradeSignalCommand): Decimal | undefined | Rejection {
  if (limitPrice === '') return undefined;
  const limit = decimal(limitPrice);
  if (isPositive(limit)) return limit;
  const message = `limit_price is ${limitPrice}; it has to be over 0`;
  return rejectField('AMOUNT_NOT_POSITIVE', 'limit_price', message);
}

function subjectOf(command: ExecuteTradeSignalCommand, context: Context): Subject | Rejection {
  const strategy = strategyOf(command, context.related);
  if (isRejection(strategy)) return strategy;
  const portfolio = portfolioOf(command, context.related);
  if (isRejection(portfolio)) return portfolio;
  const instrument = instrumentOf(command, portfolio, context.related);
  if (isRejection(instrument)) return instrument;
  const candle = candleOf(command, context);
  return isRejection(candle) ? candle : { strategy, portfolio, instrument, candle };
}

/** In the same words whether there is none, or it is another user's. A paused one sells, too. */
function strategyOf(
  { strategyId, userId, side }: ExecuteTradeSignalCommand,
  { strategy }: SignalRelated,
): SignalStrategy | Rejection {
  const isThere = strategy !== undefined && 'riskProfile' in strategy;
  if (!isThere || strategy.userId !== userId) {
    const message = `strategy_id is '${strategyId}'; the user has no such strategy`;
    return rejectFieldAs('PRECONDITION', 'STRATEGY_UNKNOWN', 'strategy_id', message);
  }
  if (strategy.lifecycle === 'active') return strategy;
  if (strategy.lifecycle === 'paused' && side === TradeSide.SELL) return strategy;
  const message = `the strategy '${strategyId}' is ${strategy.lifecycle}; it has to be active`;
  return rejectFieldAs('PRECONDITION', 'STRATEGY_NOT_ACTIVE', 'strategy_id', message);
}

function portfolioOf(
  { portfolioId, userId }: ExecuteTradeSignalCommand,
  { portfolio }: SignalRelated,
): SignalPortfolio | Rejection {
  if (portfolio?.lifecycle === 'open' && portfolio.userId === userId) return portfolio;
  const message = `portfolio_id is '${portfolioId}'; the user has no such portfolio`;
  return rejectFieldAs('PRECONDITION', 'PORTFOLIO_UNKNOWN', 'portfolio_id', message);
}

function instrumentOf(
  { instrumentId }: ExecuteTradeSignalCommand,
  { baseCurrency }: SignalPortfolio,
  { instrument }: SignalRelated,
): SignalInstrument | Rejection {
  if (instrument === undefined || instrument.lifecycle === 'absent') {
    const message = `instrument_id is '${instrumentId}', which is not registered`;
    return rejectFieldAs('PRECONDITION', 'INSTRUMENT_UNKNOWN', 'instrument_id', message);
  }
  if (instrument.quoteCurrency === baseCurrency) return instrument;
  const quoted = `instrument_id is '${instrumentId}', which is quoted in ${instrument.quoteCurrency}`;
  const message = `${quoted}; the portfolio is kept in ${baseCurrency}`;
  return rejectFieldAs('PRECONDITION', 'QUOTE_CURRENCY_MISMATCH', 'instrument_id', message);
}

/** The candle whose close is the last price: who could choose it would trade in the past. */
function candleOf(
  { instrumentId, atCandle }: ExecuteTradeSignalCommand,
  { related, principal }: Context,
): RecentCandle | Rejection {
  const recent = related.candles?.recent ?? [];
  const last = recent.at(-1);
  if (last === undefined) {
    const message = `no candle of '${instrumentId}' at this interval is recorded: it has no price`;
    return reject('PRECONDITION', 'PRICE_UNKNOWN', message);
  }
  if (atCandle === undefined) return last;
  if (!principal.roles.some((role) => role === 'process' || role === 'admin')) {
    const message = 'at_candle is for processes; a signal is decided at the last recorded candle';
    return rejectFieldAs('FORBIDDEN', 'CANDLE_NOT_LAST', 'at_candle', message);
  }
  const found = recent.find(({ start }) => start === Number(atCandle));
  if (found !== undefined) return found;
  const message = `at_candle is ${atCandle}, which is none of the last recorded candles`;
  return rejectFieldAs('PRECONDITION', 'CANDLE_NOT_RECENT', 'at_candle', message);
}
