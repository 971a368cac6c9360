import type { JsonObject } from '../../../kernel/json.ts';
import { defineDerived, type Field } from '../../../projection/kit.ts';
import { dailyCloses, instrumentOf } from '../candles/daily-closes.ts';
import { instruments } from '../instruments/instruments.ts';
import { portfolioDays } from '../portfolios/portfolio-days.ts';
import { positions } from '../portfolios/positions.ts';
import { type AccountDocument, accounts } from './accounts.ts';
import { decimalOfDouble } from './double-text.ts';
import { readStanding, repricedStanding, type Standing } from './standing.ts';
import {
  type Figure,
  type WindowDays,
  type WindowFigures,
  windowFigures,
  windows,
} from './window-figures.ts';

/** By what a leaderboard is sorted and filtered; a document has each of them for each window. */
export const rankedBy = ['return', 'profit', 'drawdown', 'sharpe', 'winRate'] as const;

export type RankedBy = (typeof rankedBy)[number];

/** The field of a figure of a window; absent where the figure is undefined. */
export function rankField(by: RankedBy | 'days', window: WindowDays): string {
  return `${by}${window}`;
}

export type StandingDocument = {
  readonly userId: string;
  readonly name: string;
  readonly currency: string;
  /** The last day that is known of the portfolio, in days since 1970: all windows end with it. */
  readonly asOf: number;
  /** By the days of the window. */
  readonly windows: { readonly [days: string]: WindowFigures };
};

const rank: Field = { kind: 'decimal', filter: true, sort: true };
const count: Field = { kind: 'integer', filter: true };

const rankFields: { readonly [field: string]: Field } = Object.fromEntries(
  windows.flatMap((window) => [
    ...rankedBy.map((by) => [rankField(by, window), rank] as const),
    [rankField('days', window), count] as const,
  ]),
);

/**
 * How each portfolio did over the last 7, 30, 90 and 180 days that are known of it: the rows of
 * leaderboards. A new price concerns every portfolio that has the instrument, whose ids no event
 * names; so this is derived from other views.
 */
export const standings = defineDerived<JsonObject, Standing>({
  name: 'trading_standings',
  version: 1,
  schema: {
    // Both have an index of their own rather than one for every sort.
    userId: { kind: 'keyword', filter: true, facet: true },
    currency: { kind: 'keyword', filter: true, facet: true, besideSorts: true },
    name: { kind: 'text', search: 1 },
    asOf: { kind: 'integer', filter: true },
    windows: { kind: 'json' },
    ...rankFields,
  },
  derived: {
    of: accounts,
    own: [
      { view: portfolioDays, owner: portfolioOf },
      { view: positions, owner: portfolioOf },
    ],
    shared: [
      { view: instruments, subject: (id) => id },
      { view: dailyCloses, subject: instrumentOf },
    ],
    subjects: ({ traded }) => Object.keys(traded as AccountDocument['traded']),
    compute: async (id, read, kept) => {
      const repriced = kept && (await repricedStanding(kept, read));
      const standing = repriced ?? (await readStanding(id, read));
      return { document: standing && documentOf(standing), keep: standing };
    },
  },
});

/** Of an id that begins with it: "<portfolio>/…". */
function portfolioOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

function documentOf({ account, curve, closings }: Standing): JsonObject {
  const { userId, name, currency } = account;
  const asOf = curve.from + curve.values.length - 1;
  const ranks: { [field: string]: string | number } = {};
  const figures: { [days: string]: JsonObject } = {};
  for (const window of windows) {
    const found = windowFigures(curve, closings, window);
    figures[window] = found;
    ranks[rankField('days', window)] = found.dailyReturns;
    ranks[rankField('profit', window)] = found.profit;
    const put = (by: RankedBy, figure: Figure) => {
      if (typeof figure === 'number') ranks[rankField(by, window)] = decimalOfDouble(figure);
    };
    put('return', found.timeWeightedReturn);
    put('drawdown', found.maximumDrawdown);
    put('sharpe', found.sharpe);
    put('winRate', found.winRate);
  }
  return { userId, name, currency, asOf, windows: figures, ...ranks };
}
