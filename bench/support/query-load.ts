import { fromBinary } from '@bufbuild/protobuf';
import {
  SearchStrategiesAnswerSchema,
  SearchStrategiesQuerySchema,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { type Bytes, callBytes, encode, pathOf } from './grpc.ts';
import { openLoop } from './open-loop.ts';
import { createRandom } from './random.ts';
import { percentile } from './statistics.ts';
import { largeOwner, searchTextOf, smallOwnerOf, strategyIdOf } from './strategies.ts';

const { method } = TradingQueryService;
const warmUps = 2_000;

export type Kind = 'by id' | 'search' | 'search in many';
export type Latency = { readonly median: number; readonly p99: number };

type Load = {
  readonly address: string;
  readonly kind: Kind;
  readonly documents: number;
  readonly perSecond: number;
  readonly count: number;
  /** Of another server, which takes the same requests under another name. */
  readonly path?: string;
};

/** Queries at a fixed rate, each for something else than the one before. */
export async function timeQueries(load: Load): Promise<Latency> {
  const { address, kind, documents, perSecond, count, path = pathFor(kind) } = load;
  const warmingUp = Math.min(warmUps, count);
  const requests = requestsOf(kind, documents, warmingUp + count);
  const send = () => callBytes(address, path, requests.pop() ?? Buffer.alloc(0));
  await openLoop({ perSecond, count: warmingUp, send });
  const times = await openLoop({ perSecond, count, send });
  return { median: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** Eight at a time, each as soon as one is answered. @returns how many a second */
export async function queryRate(load: Load): Promise<number> {
  const { address, kind, documents, count, path = pathFor(kind) } = load;
  const requests = requestsOf(kind, documents, count);
  const startedAt = performance.now();
  const send = async () => {
    for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
      await callBytes(address, path, next);
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  return (count * 1000) / (performance.now() - startedAt);
}

/** How many bytes an answer has, in the mean; and of searches, what share finds anything. */
export async function inspectAnswers(load: Load) {
  const { address, kind, documents, count } = load;
  let [bytes, found, total] = [0, 0, 0];
  for (const request of requestsOf(kind, documents, count)) {
    const answer = await callBytes(address, pathFor(kind), request);
    bytes += answer.length;
    if (kind === 'by id') {
      found += fromBinary(method.getStrategy.output, answer).strategy === undefined ? 0 : 1;
      continue;
    }
    const { hits, total: matches } = fromBinary(SearchStrategiesAnswerSchema, answer);
    found += hits.length > 0 ? 1 : 0;
    total += Number(matches);
  }
  return { bytes: Math.round(bytes / count), found: found / count, matches: total / count };
}

function requestsOf(kind: Kind, documents: number, count: number): Bytes[] {
  const random = createRandom(3);
  const pick = () => Math.floor(random() * documents);
  return Array.from({ length: count }, (_, index) => {
    if (kind === 'by id') {
      return encode(method.getStrategy.input, { strategyId: strategyIdOf(pick()) });
    }
    const userId = kind === 'search' ? smallOwnerOf(pick()) : largeOwner;
    const page = { pageSize: 10 };
    const text = searchTextOf(index, random);
    return encode(SearchStrategiesQuerySchema, { userId, text, facets: index % 8 === 0, page });
  });
}

function pathFor(kind: Kind): string {
  return pathOf(kind === 'by id' ? method.getStrategy : method.searchStrategies);
}
