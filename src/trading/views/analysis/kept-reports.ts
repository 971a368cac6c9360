import type { Reader } from '../../../read/kit.ts';
import { trades } from '../trades/trades.ts';

/** A report and how many trades it was made of: what it weighs in memory. */
export type Report<Of> = { readonly of: Of; readonly trades: number };

/** Of all reports that are kept: each trade takes about half a kilobyte. */
const mostTrades = 100_000;
/** What an operator repairs may move no trade: no report is kept longer than this. */
const maxAgeMs = 60_000;

type Kept = {
  readonly version: string;
  readonly keptAt: number;
  readonly report: Promise<Report<unknown>>;
  /** Once it is there. */
  trades: number;
};

/** By the store that they were made from. */
const shelves = new WeakMap<Reader['get'], Map<string, Kept>>();

/**
 * A report that all trades of a portfolio have to be gone through for, of which a caller reads one
 * page after another: made once for all of them, as long as no trade is recorded meanwhile. The
 * read server keeps the answers to questions that come again, but each page is a question of its
 * own; and no view could keep it, as which lot a sale took from depends on the days asked for.
 *
 * key: what the report is about, besides the portfolio
 */
export async function keptReport<Of>(
  reader: Reader,
  { portfolioId, key, nowMs }: { portfolioId: string; key: string; nowMs: number },
  make: () => Promise<Report<Of>>,
): Promise<Of> {
  const shelf = shelves.get(reader.get) ?? new Map<string, Kept>();
  shelves.set(reader.get, shelf);
  const version = await versionOf(reader, portfolioId);
  const fullKey = `${portfolioId} ${key}`;
  const known = shelf.get(fullKey);
  shelf.delete(fullKey);
  const isGood = known?.version === version && nowMs - known.keptAt < maxAgeMs;
  const kept = isGood ? known : { version, keptAt: nowMs, report: make(), trades: 0 };
  shelf.set(fullKey, kept);
  try {
    const report = await kept.report;
    kept.trades = report.trades;
    return report.of as Of;
  } catch (error) {
    if (shelf.get(fullKey) === kept) shelf.delete(fullKey);
    throw error;
  } finally {
    trim(shelf);
  }
}

/** The oldest go first. */
function trim(shelf: Map<string, Kept>): void {
  let sum = 0;
  for (const { trades: count } of shelf.values()) sum += count;
  for (const [key, { trades: count }] of shelf) {
    if (sum <= mostTrades) return;
    shelf.delete(key);
    sum -= count;
  }
}

/**
 * Another one whenever another trade is seen. Both the last one and how many there are: an engine may
 * show the trades of one batch a moment after one another.
 */
async function versionOf(reader: Reader, portfolioId: string): Promise<string> {
  const where = [{ field: 'portfolioId', in: [portfolioId] }];
  const sort = { field: 'revision', descending: true };
  const [last, all] = await Promise.all([
    reader.list(trades, { where, sort, limit: 1 }),
    reader.search(trades, { text: '', where, facets: [], limit: 0 }),
  ]);
  const { id = '', version: { commit = 0n, prepare = 0n } = {} } = last.items[0] ?? {};
  return `${all.total} ${id} ${commit} ${prepare}`;
}
