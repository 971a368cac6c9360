import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type PortfolioSchema,
  PortfolioSort,
  TradingQueryService,
} from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { defineQuery, type Reader, type RecordOf } from '../../../read/kit.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import { type Condition, type Found, listAll, pageInfo } from '../reading.ts';
import { toPortfolio } from './portfolio-message.ts';
import { portfolios } from './portfolios.ts';
import { type PositionDocument, positions } from './positions.ts';

const { method } = TradingQueryService;
const views = [portfolios, positions, instruments];

export const portfolioRecord: RecordOf<{ readonly portfolioId: string }> = {
  model: portfolios,
  id: ({ portfolioId }) => portfolioId,
  ownerField: 'userId',
  noun: 'portfolio',
};

const answerOne = async (reader: Reader, found: Found | undefined) => {
  const [portfolio] = await valued(reader, found === undefined ? [] : [found]);
  return portfolio === undefined ? {} : { portfolio };
};

export const portfolioQueries = [
  defineQuery({
    method: method.getPortfolio,
    views,
    record: portfolioRecord,
    answer: (_query, { reader }, found) => answerOne(reader, found),
  }),
  defineQuery({
    method: method.watchPortfolio,
    views,
    record: portfolioRecord,
    answer: (_query, { reader }, found) => answerOne(reader, found),
  }),
  defineQuery({
    method: method.listPortfolios,
    views,
    answer: async ({ userId, baseCurrency, sort, descending }, { reader, page }) => {
      const where: Condition[] = [{ field: 'userId', in: [userId] }];
      if (baseCurrency !== '') where.push({ field: 'baseCurrency', in: [baseCurrency] });
      const found = await reader.list(portfolios, {
        where,
        sort: { field: sortFields[sort] ?? 'openedAt', descending },
        ...page,
      });
      return { portfolios: await valued(reader, found.items), page: pageInfo(found) };
    },
  }),
];

const sortFields: { readonly [sort: number]: string } = {
  [PortfolioSort.OPENED_AT]: 'openedAt',
  [PortfolioSort.NAME]: 'name',
  [PortfolioSort.CASH]: 'cash',
  [PortfolioSort.LAST_ACTIVITY_AT]: 'lastActivityAt',
};

/** The portfolios with all their positions, at the last recorded prices. */
async function valued(
  reader: Reader,
  found: readonly Found[],
): Promise<MessageInitShape<typeof PortfolioSchema>[]> {
  if (found.length === 0) return [];
  const where = [{ field: 'portfolioId', in: found.map(({ id }) => id) }];
  const all = (await listAll(reader, positions, { where })).map(
    ({ document }) => document as unknown as PositionDocument,
  );
  const held = all.filter(({ quantity }) => quantity !== '0');
  const traded = await reader.getMany(instruments, [
    ...new Set(held.map(({ instrumentId }) => instrumentId)),
  ]);
  const prices = new Map(
    [...traded].map(([id, { document }]) => [id, document as unknown as InstrumentDocument]),
  );
  const byPortfolio = Map.groupBy(all, ({ portfolioId }) => portfolioId);
  return found.map((one) => toPortfolio(one, byPortfolio.get(one.id) ?? [], prices));
}
