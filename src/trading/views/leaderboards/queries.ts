import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type LeaderboardEntrySchema,
  LeaderboardQueryService,
} from '../../../gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { compare as compareDecimals, decimal } from '../../../kernel/decimal.ts';
import { isRejection, rejectField } from '../../../kernel/rejection.ts';
import { defineQuery, type Reader } from '../../../read/kit.ts';
import { dayText } from '../days.ts';
import { type Condition, type Found, pageInfo } from '../reading.ts';
import { type Asked, askedOf, justAbove } from './conditions.ts';
import { rankField, type StandingDocument, standings } from './standings.ts';
import { type Figure, figureMethods } from './window-figures.ts';

const { method } = LeaderboardQueryService;

/** Of a search by name so many are sorted. */
const mostByName = 200;

export const leaderboardQueries = [
  defineQuery({
    method: method.listLeaderboard,
    views: [standings],
    answer: async (query, { reader, page }) => {
      const asked = askedOf(query);
      if (isRejection(asked)) return asked;
      const { userId, name, worstFirst } = query;
      if (name !== '' && page.after !== undefined) {
        const message = 'page.cursor is set, and a search by name has one page only';
        return rejectField('CURSOR_INVALID', 'page.cursor', message);
      }
      const own: Condition[] = userId === '' ? [] : [{ field: 'userId', in: [userId] }];
      const where = [...own, ...asked.currency, ...asked.filter, asked.isRanked];
      // Of somebody's own portfolios, how many pass a filter among those of others is not told.
      const among = [...asked.currency, ...(userId === '' ? asked.filter : [])];
      const head = { days: asked.window };
      if (name !== '') {
        const found = await reader.search(standings, {
          ...{ text: name, where, facets: [], limit: mostByName },
        });
        const items = sorted(found.items, asked, worstFirst).slice(0, page.limit);
        const ranks = await ranksOf(reader, asked, among, items, 'picked');
        return { ...head, ...ranks, page: { nextCursor: '' }, nameMatches: BigInt(found.total) };
      }
      const sort = { field: rankField(asked.by, asked.window), descending: !worstFirst };
      const found = await reader.list(standings, { where, sort, ...page });
      const isFirst = page.after === undefined && !worstFirst;
      const place = userId !== '' ? 'picked' : isFirst ? 'its beginning' : 'within';
      const ranks = await ranksOf(reader, asked, among, found.items, place);
      return { ...head, ...ranks, page: pageInfo(found) };
    },
  }),
];

const rankOf = ({ by, window }: Asked, { document }: Found) =>
  String(document[rankField(by, window)] ?? '');

/** As a list would be: ties by id. */
function sorted(found: readonly Found[], asked: Asked, worstFirst: boolean): readonly Found[] {
  const keyed = found.map((one) => ({ one, value: decimal(rankOf(asked, one)) }));
  keyed.sort((a, b) => {
    const order = compareDecimals(a.value, b.value);
    return (worstFirst ? order : -order) || (a.one.id < b.one.id ? -1 : 1);
  });
  return keyed.map(({ one }) => one);
}

/**
 * The entries with their ranks: one more than there are better ones. On the board those that follow
 * one another are told by the page itself; else what is between two of them is counted, so that all
 * counts together go over each portfolio once.
 *
 * place: where the page is on the board, or that its entries are picked out of it
 */
async function ranksOf(
  reader: Reader,
  asked: Asked,
  among: readonly Condition[],
  found: readonly Found[],
  place: 'its beginning' | 'within' | 'picked',
) {
  const field = rankField(asked.by, asked.window);
  const values = Map.groupBy(found, (one) => rankOf(asked, one));
  const bestFirst = [...values.keys()].sort((a, b) => compareDecimals(decimal(b), decimal(a)));
  // What is better than a figure, but not than the one above it.
  const between = bestFirst.map((value, at): Condition => {
    const above = bestFirst[at - 1];
    const until = above === undefined ? {} : { until: justAbove(above) };
    return { field, from: justAbove(value), ...until };
  });
  const isCounted = (at: number) =>
    at === 0 ? place !== 'its beginning' : place === 'picked' || at === 1;
  const wanted = [asked.isRanked, ...between.filter((_, at) => isCounted(at))];
  const [ranked = 0, ...counts] = await countsOf(reader, among, wanted);
  const ranks = new Map<string, number>();
  let better = 0;
  for (const [at, value] of bestFirst.entries()) {
    const onPage = values.get(bestFirst[at - 1] ?? '')?.length ?? 0;
    better += (isCounted(at) ? counts.shift() : onPage) ?? 0;
    ranks.set(value, better + 1);
  }
  const entries = found.map((one) => entryOf(one, asked, ranks.get(rankOf(asked, one)) ?? 0));
  return { ranked: BigInt(ranked), entries };
}

/** An engine that is a network away answers several questions in the time of one. */
const countsAtOnce = 16;

async function countsOf(
  reader: Reader,
  among: readonly Condition[],
  wanted: readonly Condition[],
): Promise<readonly number[]> {
  const counts: number[] = [];
  for (let from = 0; from < wanted.length; from += countsAtOnce) {
    const some = wanted.slice(from, from + countsAtOnce).map(async (one) => {
      const request = { text: '', where: [...among, one], facets: [], limit: 0 };
      return (await reader.search(standings, request)).total;
    });
    counts.push(...(await Promise.all(some)));
  }
  return counts;
}

function entryOf(
  { id, document }: Found,
  { window }: Asked,
  rank: number,
): MessageInitShape<typeof LeaderboardEntrySchema> {
  const { userId, name, currency, asOf, windows } = document as unknown as StandingDocument;
  const figures = windows[window];
  if (figures === undefined) throw new Error(`a standing without a window of ${window} days`);
  const measure = (of: keyof typeof figureMethods) => measureOf(figureMethods[of], figures[of]);
  return {
    rank: BigInt(rank),
    portfolioId: id,
    portfolioName: name,
    ...{ userId, currency, profit: figures.profit },
    from: dayText(figures.from),
    asOf: dayText(asOf),
    dailyReturns: figures.dailyReturns,
    closedTrades: figures.closedTrades,
    annualisationFactor: figures.annualisationFactor,
    timeWeightedReturn: measure('timeWeightedReturn'),
    maximumDrawdown: measure('maximumDrawdown'),
    sharpe: measure('sharpe'),
    winRate: measure('winRate'),
  };
}

function measureOf(name: string, figure: Figure) {
  return typeof figure === 'number'
    ? { method: name, value: figure }
    : { method: name, undefinedReason: figure };
}
