import { attributionQuery } from './attribution-query.ts';
import { benchmarkQuery } from './benchmark-query.ts';
import { costBasisQuery } from './cost-basis-query.ts';
import { drawdownsQuery } from './drawdowns-query.ts';
import { exposureQuery } from './exposure-query.ts';
import { returnsQuery } from './returns-query.ts';
import { strategyQuery } from './strategy-query.ts';

export const analysisQueries = [
  returnsQuery,
  drawdownsQuery,
  exposureQuery,
  benchmarkQuery,
  attributionQuery,
  costBasisQuery,
  strategyQuery,
];
