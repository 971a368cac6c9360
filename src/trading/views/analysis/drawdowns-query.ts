import {
  AnalysisQueryService,
  EpisodeSort,
} from '../../../gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { isRejection } from '../../../kernel/rejection.ts';
import { defineQuery } from '../../../read/kit.ts';
import { dayText } from '../days.ts';
import { maximumDrawdown } from '../measures/drawdown.ts';
import { type DrawdownEpisode, drawdownEpisodes } from '../measures/drawdown-episodes.ts';
import {
  type DatedValue,
  method as measureMethod,
  measureOf,
  type UndefinedReason,
  undefinedMeasure,
} from '../measures/measure.ts';
import { toMeasure } from '../measures/measure-message.ts';
import { toDrawdown } from '../performance/figures.ts';
import { readValuations } from '../performance/read-valuations.ts';
import { portfolioRecord } from '../portfolios/queries.ts';
import { linkedReturns, linkedWealth } from './linked-returns.ts';
import { partOf } from './paging.ts';
import { readPeriod, valuationViews } from './portfolio-period.ts';

export const drawdownsQuery = defineQuery({
  method: AnalysisQueryService.method.listDrawdownEpisodes,
  views: valuationViews,
  record: portfolioRecord,
  cached: true,
  answer: async (query, { reader, page }) => {
    const { portfolioId, leastDepth, sort } = query;
    const read = await readPeriod(reader, portfolioId, query);
    if (isRejection(read)) return read;
    const head = { portfolioId, dailyReturnMethod: measureMethod.dailyReturn };
    if (read === undefined) {
      return { ...head, from: query.from, to: query.to, ...undefinedFor('NO_RETURNS') };
    }
    const { history, period } = read;
    const valuations = await readValuations(reader, history, period);
    const known = { ...head, from: dayText(period.from), to: dayText(period.to) };
    const returns = linkedReturns(valuations);
    if (typeof returns === 'string') return { ...known, ...undefinedFor(returns) };
    const wealth = linkedWealth(valuations, returns);
    const deepEnough = drawdownEpisodes(wealth).filter(({ depth }) => -depth >= Number(leastDepth));
    const part = partOf(sorted(deepEnough, sort), page);
    if (isRejection(part)) return part;
    return {
      ...known,
      episodes: [...part.items],
      page: part.page,
      total: deepEnough.length,
      maximumDrawdown: toDrawdown(maximumDrawdown(wealth)),
      currentDrawdown: toMeasure(currentDrawdown(wealth)),
    };
  },
});

function undefinedFor(reason: UndefinedReason) {
  const of = (name: 'maximumDrawdown' | 'currentDrawdown') =>
    toMeasure(undefinedMeasure(measureMethod[name], reason));
  return { maximumDrawdown: of('maximumDrawdown'), currentDrawdown: of('currentDrawdown') };
}

function sorted(
  episodes: readonly DrawdownEpisode[],
  sort: EpisodeSort,
): readonly DrawdownEpisode[] {
  switch (sort) {
    case EpisodeSort.DEPTH:
      return episodes.toSorted((a, b) => a.depth - b.depth);
    case EpisodeSort.LENGTH:
      return episodes.toSorted((a, b) => b.lengthDays - a.lengthDays);
    default:
      return episodes;
  }
}

function currentDrawdown(wealth: readonly DatedValue[]) {
  const name = measureMethod.currentDrawdown;
  if (wealth.length < 2) return undefinedMeasure(name, 'NO_RETURNS');
  const peak = Math.max(...wealth.map(({ value }) => value));
  return measureOf(name, (wealth.at(-1)?.value ?? Number.NaN) / peak - 1);
}
