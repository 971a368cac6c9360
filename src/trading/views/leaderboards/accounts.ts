import { defineView } from '../../../projection/kit.ts';
import {
  type Activity,
  type PortfolioEvent,
  portfolioEvents,
  timeOfActivity,
} from '../portfolios/portfolio-events.ts';
import { dayOfTime } from '../times.ts';

/** What is held of an instrument now, the price of its last trade, and the day of its first. */
export type Traded = readonly [quantity: string, price: string, firstDay: number];

export type AccountDocument = {
  readonly userId: string;
  readonly name: string;
  readonly currency: string;
  readonly cash: string;
  /** Of the first and of the last activity; in days since 1970. */
  readonly firstDay?: number;
  readonly lastDay?: number;
  /** Every instrument that was ever traded. */
  readonly traded: { readonly [instrumentId: string]: Traded };
};

/**
 * Every portfolio by its id, in as few bytes as tell what it is worth now: what its standing is
 * computed from. How it came to that is in `portfolioDays`.
 */
export const accounts = defineView<AccountDocument>({
  name: 'trading_accounts',
  version: 1,
  schema: {
    userId: { kind: 'keyword' },
    name: { kind: 'keyword' },
    currency: { kind: 'keyword' },
    cash: { kind: 'decimal' },
    firstDay: { kind: 'integer' },
    lastDay: { kind: 'integer' },
    traded: { kind: 'json' },
  },
  events: portfolioEvents,
  ids: ({ message }) => [(message as PortfolioEvent).portfolioId],
  project: (document, { message }) => {
    const event = message as PortfolioEvent;
    if (event.$typeName === 'cipherhorizon.trading.v1.PortfolioOpened') {
      const { userId, portfolioName: name, baseCurrency: currency } = event;
      return { userId, name, currency, cash: '0', traded: {} };
    }
    if (document === undefined) throw new Error(`${event.$typeName} on no portfolio`);
    if (event.$typeName === 'cipherhorizon.trading.v1.PortfolioUpdated') {
      return { ...document, name: event.portfolioName };
    }
    return withActivity(document, event);
  },
});

function withActivity(document: AccountDocument, event: Activity): AccountDocument {
  const day = dayOfTime(timeOfActivity(event));
  const { cash } = event;
  const account = { ...document, cash, firstDay: document.firstDay ?? day, lastDay: day };
  if (event.$typeName !== 'cipherhorizon.trading.v1.TradeRecorded') return account;
  const { instrumentId, position, price } = event;
  const firstDay = document.traded[instrumentId]?.[2] ?? day;
  const traded = { ...document.traded, [instrumentId]: [position, price, firstDay] as const };
  return { ...account, traded };
}
