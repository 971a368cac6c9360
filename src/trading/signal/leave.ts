import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { ExecuteExitSignalCommand } from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalAccepted,
  SignalAcceptedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderTermsSchema,
  SignalOrigin,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { decimal, toText } from '../../kernel/decimal.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { exitGoodForCandles } from '../model/exit-levels.ts';
import { closeOf } from '../model/recent-candles.ts';
import { riskLimitsOf } from '../model/risk.ts';
import { accountOf } from './account.ts';
import { reservationLimits } from './execute.ts';
import { pricesOf, type SignalRelated } from './related.ts';
import { tradableUnits } from './units.ts';

/**
 * Sells what was bought, as far as it is there and free. An exit is asked for by no risk profile.
 *
 * Where too little is free it is accepted all the same: its process cannot reserve then, unless other
 * sales have let go meanwhile, and it fails where everybody can see it. The purchase is watched again.
 */
export function executeExit(
  command: ExecuteExitSignalCommand,
  { id, nowMs, related }: DecisionContext<SignalRelated>,
): readonly SignalAccepted[] | Rejection {
  const { terms: parent, origin } = command;
  const { portfolio } = related;
  if (parent === undefined) throw new Error('validated to be there');
  if (portfolio?.lifecycle !== 'open') {
    return reject('PRECONDITION', 'PORTFOLIO_UNKNOWN', `there is no '${parent.portfolioId}'`);
  }
  const last = related.candles?.recent.at(-1);
  const price = last === undefined ? decimal(command.price) : closeOf(last);
  const account = accountOf(portfolio, parent.instrumentId, price, pricesOf(related));
  const asked = decimal(command.quantity);
  const quantity =
    tradableUnits(parent, asked, account.freeUnits) ??
    tradableUnits(parent, asked, account.held) ??
    asked;
  const isLimit = origin === SignalOrigin.TAKE_PROFIT;
  return [
    create(SignalAcceptedSchema, {
      signalId: id,
      terms: create(OrderTermsSchema, {
        ...parent,
        ...{ orderId: id, signalId: id, side: TradeSide.SELL, quantity: toText(quantity) },
        limitPrice: isLimit ? command.price : '',
        stopPrice: isLimit ? '' : command.price,
        ...{ budget: '', placedAfter: command.placedAfter, goodForCandles: exitGoodForCandles },
      }),
      origin,
      parentSignalId: command.parentSignalId,
      riskProfile: {},
      limits: reservationLimits(riskLimitsOf(undefined), account, price),
      acceptedAt: timestampFromMs(nowMs),
    }),
  ];
}
