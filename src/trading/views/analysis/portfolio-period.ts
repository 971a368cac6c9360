import { isRejection, type Rejection } from '../../../kernel/rejection.ts';
import type { Reader } from '../../../read/kit.ts';
import { dailyCloses } from '../candles/daily-closes.ts';
import { instruments } from '../instruments/instruments.ts';
import { type History, readHistory } from '../performance/history.ts';
import { type AskedPeriod, askedPeriod, knownPeriod, type Period } from '../performance/period.ts';
import { portfolioDays } from '../portfolios/portfolio-days.ts';
import { type PortfolioDocument, portfolios } from '../portfolios/portfolios.ts';
import type { Found } from '../reading.ts';

/** What values of a portfolio by day rest on. */
export const valuationViews = [portfolios, portfolioDays, dailyCloses, instruments];

/** A portfolio over the days that are asked for. */
export type PortfolioPeriod = {
  readonly history: History;
  /** Of these something is known; both included. */
  readonly period: Period;
  /**
   * The valuation that the first return is to: that of the day before the period, or, where the
   * portfolio had no activity before it, that of its first day, which has no return then.
   */
  readonly start: number;
};

/** Undefined for a portfolio without activities. */
export async function readPeriod(
  reader: Reader,
  portfolioId: string,
  query: AskedPeriod,
): Promise<PortfolioPeriod | Rejection | undefined> {
  const asked = askedPeriod(query);
  if (isRejection(asked)) return asked;
  const history = await readHistory(reader, portfolioId);
  if (history === undefined) return undefined;
  const period = knownPeriod(asked, history.known);
  if (isRejection(period)) return period;
  return { history, period, start: Math.max(period.from - 1, history.known.from) };
}

export function portfolioOf(found: Found | undefined): PortfolioDocument {
  if (found === undefined) throw new Error('a question about a portfolio without it');
  return found.document as unknown as PortfolioDocument;
}
