import { drawdownsQuery } from './drawdowns-query.ts';
import { exposureQuery } from './exposure-query.ts';
import { returnsQuery } from './returns-query.ts';

export const analysisQueries = [returnsQuery, drawdownsQuery, exposureQuery];
