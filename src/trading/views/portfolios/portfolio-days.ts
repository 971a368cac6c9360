import { defineView } from '../../../projection/kit.ts';
import { sumText } from '../amounts.ts';
import { monthText, startOf } from '../days.ts';
import { dayOfTime } from '../times.ts';
import { type Activity, activityEvents, timeOfActivity } from './portfolio-events.ts';

/** A day with activities. */
export type PortfolioDay = {
  /** In days since 1970. */
  readonly day: number;
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
  /** By day. */
  readonly days: readonly PortfolioDay[];
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
    return {
      portfolioId: event.portfolioId,
      month: document?.month ?? startOf('month', day),
      days: withDay(document?.days ?? [], day, event),
    };
  },
});

/** Activities are recorded in the order of their time: the day is the last one, or behind it. */
function withDay(
  days: readonly PortfolioDay[],
  day: number,
  event: Activity,
): readonly PortfolioDay[] {
  const last = days.at(-1);
  if (last?.day === day) return days.with(-1, withActivity(last, event));
  if (last !== undefined && last.day > day) throw new Error('an activity of a day before the last');
  const nothing = { day, cash: '0', deposits: '0', withdrawals: '0', traded: {} };
  return [...days, withActivity(nothing, event)];
}

/** The last activity of a day has the state at its end. */
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
