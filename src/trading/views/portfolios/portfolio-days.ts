import { defineView } from '../../../projection/kit.ts';
import { sumText } from '../amounts.ts';
import { monthText, startOf } from '../days.ts';
import { dayOfTime } from '../times.ts';
import { type Activity, activityEvents, timeOfActivity } from './portfolio-events.ts';

/** A day with activities. */
export type PortfolioDay = {
  /** At the end of the day. */
  readonly cash: string;
  readonly deposits: string;
  readonly withdrawals: string;
  /** Of each instrument that was traded: what is held at the end of the day, and the last price. */
  readonly traded: { readonly [instrumentId: string]: readonly [quantity: string, price: string] };
};

export type PortfolioMonthDocument = {
  readonly portfolioId: string;
  /** Its first day, in days since 1970. */
  readonly month: number;
  readonly days: { readonly [day: string]: PortfolioDay };
};

/**
 * What happened to a portfolio by day (UTC): what its values by day are worked out from, whatever the
 * number of its activities. A document has the days of a month; its id is "<portfolio>/<month>".
 */
export const portfolioDays = defineView<PortfolioMonthDocument>({
  name: 'trading_portfolio_days',
  version: 1,
  schema: {
    portfolioId: { kind: 'keyword', filter: true },
    month: { kind: 'integer', filter: true, sort: true },
    days: { kind: 'json' },
  },
  events: activityEvents,
  ids: ({ message }) => {
    const event = message as Activity;
    return [`${event.portfolioId}/${monthText(dayOfTime(timeOfActivity(event)))}`];
  },
  project: (document, { message }) => {
    const event = message as Activity;
    const day = dayOfTime(timeOfActivity(event));
    const days = document?.days ?? {};
    return {
      portfolioId: event.portfolioId,
      month: startOf('month', day),
      days: { ...days, [day]: withActivity(days[day] ?? noActivity, event) },
    };
  },
});

const noActivity: PortfolioDay = { cash: '0', deposits: '0', withdrawals: '0', traded: {} };

/** Activities are recorded in the order of their time: the last one has the state at its end. */
function withActivity(day: PortfolioDay, event: Activity): PortfolioDay {
  const { cash } = event;
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.CashDeposited':
      return { ...day, cash, deposits: sumText(day.deposits, event.amount) };
    case 'cipherhorizon.trading.v1.CashWithdrawn':
      return { ...day, cash, withdrawals: sumText(day.withdrawals, event.amount) };
    case 'cipherhorizon.trading.v1.TradeRecorded': {
      const traded = {
        ...day.traded,
        [event.instrumentId]: [event.position, event.price] as const,
      };
      return { ...day, cash, traded };
    }
  }
}
