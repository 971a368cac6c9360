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
import { type Asked, askedOf, lowest } from './conditions.ts';
import { rankField, type StandingDocument, standings } from './standings.ts';
import { type Figure, figureMethods } from './window-figures.ts';

const { method } = LeaderboardQueryService;

/** Of a search by name so many are sorted. */
const mostByName = 500;

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
        const ranks = await ranksOf(reader, asked, among, items, 'apart');
        return { ...head, ...ranks, page: { nextCursor: '' }, nameMatches: BigInt(found.total) };
      }
      const sort = { field: rankField(asked.by, asked.window), descending: !worstFirst };
      const found = await reader.list(standings, { where, sort, ...page });
      const order = userId !== '' ? 'apart' : worstFirst ? 'worst first' : 'best first';
      const ranks = await ranksOf(reader, asked, among, found.items, order);
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
 * The entries with their ranks: one more than there are better ones. Of entries that follow one
 * another on the board only those at the ends of the page are counted; others are each on its own.
 */
async function ranksOf(
  reader: Reader,
  asked: Asked,
  among: readonly Condition[],
  found: readonly Found[],
  order: 'best first' | 'worst first' | 'apart',
) {
  const { isRanked } = asked;
  const field = rankField(asked.by, asked.window);
  const count = async (where: Condition) => {
    const some = { text: '', where: [...among, where], facets: [], limit: 1 };
    return (await reader.search(standings, some)).total;
  };
  const ranked = await count(isRanked);
  const onPage = [...Map.groupBy(found, (one) => rankOf(asked, one))];
  const ranks = new Map<string, number>();
  let before: { readonly lower: number; readonly equal: number } | undefined;
  for (const [at, [value, { length }]] of onPage.entries()) {
    const isInside = order !== 'apart' && at > 0 && at < onPage.length - 1;
    const equal = isInside ? length : await count({ field, in: [value] });
    const lower =
      before === undefined || order === 'apart'
        ? await count({ field, from: lowest, until: value })
        : order === 'worst first'
          ? before.lower + before.equal
          : before.lower - equal;
    ranks.set(value, ranked - lower - equal + 1);
    before = { lower, equal };
  }
  const entries = found.map((one) => entryOf(one, asked, ranks.get(rankOf(asked, one)) ?? 0));
  return { ranked: BigInt(ranked), entries };
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
