import { returnsQuery } from './returns-query.ts';

export const analysisQueries = [returnsQuery];
