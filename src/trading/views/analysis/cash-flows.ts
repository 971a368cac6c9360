import {
  type CashDeposited,
  CashDepositedSchema,
  type CashWithdrawn,
  CashWithdrawnSchema,
} from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { monthText, startOf } from '../days.ts';
import { timeOfActivity } from '../portfolios/portfolio-events.ts';
import { dayOfTime } from '../times.ts';

/** When (in milliseconds since 1970), and how much: under zero for what was taken out. */
export type FlowRow = readonly [time: number, amount: string];

export type CashFlowsDocument = {
  readonly portfolioId: string;
  /** Its first day, in days since 1970. */
  readonly month: number;
  readonly flows: readonly FlowRow[];
};

/** However often a portfolio is paid into in a month, its documents stay small. */
const revisionsPerDocument = 256;

/**
 * The deposits and withdrawals of a portfolio by their time: its returns by the hour need them. They
 * are few beside trades, which have their times in a view of their own. A document has those of a
 * month among so many events of the portfolio that follow one another; its id is
 * "<portfolio>/<month>/<first revision>".
 */
export const cashFlows = defineView<CashFlowsDocument>({
  name: 'trading_cash_flows',
  version: 2,
  schema: {
    portfolioId: { kind: 'keyword', filter: true },
    month: { kind: 'integer', filter: true, sort: true },
    flows: { kind: 'json' },
  },
  events: [CashDepositedSchema, CashWithdrawnSchema],
  ids: ({ message, recorded: { revision } }) => {
    const event = message as CashDeposited | CashWithdrawn;
    const month = monthText(dayOfTime(timeOfActivity(event)));
    return [`${event.portfolioId}/${month}/${revision - (revision % revisionsPerDocument)}`];
  },
  project: (document, { message }) => {
    const event = message as CashDeposited | CashWithdrawn;
    const time = timeOfActivity(event);
    const isDeposit = event.$typeName === 'cipherhorizon.trading.v1.CashDeposited';
    return {
      portfolioId: event.portfolioId,
      month: document?.month ?? startOf('month', dayOfTime(time)),
      flows: [...(document?.flows ?? []), [time, isDeposit ? event.amount : `-${event.amount}`]],
    };
  },
});
