import type { DescMessage } from '@bufbuild/protobuf';
import {
  type CashDeposited,
  CashDepositedSchema,
  type CashWithdrawn,
  CashWithdrawnSchema,
  type PortfolioOpened,
  PortfolioOpenedSchema,
  type PortfolioUpdated,
  PortfolioUpdatedSchema,
  type TradeRecorded,
  TradeRecordedSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { decimal, mul } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import { timeOf } from '../times.ts';

export type Activity = CashDeposited | CashWithdrawn | TradeRecorded;

export type PortfolioEvent = PortfolioOpened | PortfolioUpdated | Activity;

export const activityEvents: readonly DescMessage[] = [
  CashDepositedSchema,
  CashWithdrawnSchema,
  TradeRecordedSchema,
];

export const portfolioEvents: readonly DescMessage[] = [
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
  ...activityEvents,
];

/** When an activity took place, in milliseconds since 1970. */
export function timeOfActivity(event: Activity): number {
  return event.$typeName === 'cipherhorizon.trading.v1.TradeRecorded'
    ? timeOf(event.executedAt)
    : timeOf(event.occurredAt);
}

/** The fee of a trade in the quote currency: one in the base asset at the price of the trade. */
export function feeInQuote({ fee, feeCurrency, quoteCurrency, price }: TradeRecorded): string {
  return feeCurrency === quoteCurrency ? fee : amountText(mul(decimal(fee), decimal(price)));
}
