import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  Indicator,
  RuleAction,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { call } from './grpc.ts';
import { openLoop } from './open-loop.ts';
import { ratePerSecond } from './rounds.ts';
import { percentile } from './statistics.ts';

/** How a caller comes to see what it has just written. */
export type Look =
  /** A query by id that presents the receipt's token. */
  | 'by id, with token'
  | 'search, with token'
  /** Searches without a token, one after the other, until one finds it. */
  | 'search, again and again'
  /** Not at all: the same calls, for what was there before. */
  | 'of old';

export type Load = {
  readonly write: string;
  readonly read: string;
  readonly look: Look;
  readonly perSecond: number;
  readonly count: number;
  /** Between two looks of 'again and again'. */
  readonly pauseMs: number;
  /** So long calls are made, one after the other, before any is measured. */
  readonly warmUpMs: number;
};

const users = 50;
const patienceMs = 10_000;
const warmingUp = 4;

/** From when a command was to be sent to when its strategy is in an answer. */
export async function timeToSeen(load: Load) {
  const { perSecond, count, warmUpMs } = load;
  const old = await createStrategy(load);
  await seen({ ...load, look: 'search, again and again' }, old);
  const send = async () => {
    const created = await createStrategy(load);
    await seen(load, load.look === 'of old' ? old : created);
  };
  await ratePerSecond(warmUpMs, warmingUp, send);
  const times = await openLoop({ perSecond, count, send });
  return { median: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

type Created = {
  readonly id: string;
  readonly userId: string;
  readonly word: string;
  readonly token: string;
};

async function createStrategy({ write }: Load): Promise<Created> {
  const userId = `user-${Math.floor(Math.random() * users)}`;
  const word = `w${randomInt(36 ** 8).toString(36)}`;
  const receipt = await call(write, TradingCommandService.method.createTradingStrategy, {
    ...{ userId, strategyName: `Momentum ${word}` },
    rules: [rule],
    riskProfile: { stopLoss: '0.05', maxOpenPositions: 3 },
  });
  return { id: receipt.aggregateId, userId, word, token: receipt.consistencyToken };
}

const rule = {
  indicator: { indicator: Indicator.SMA, window: 20 },
  ...{ comparator: Comparator.BELOW, action: RuleAction.ENTER_LONG },
  against: { case: 'threshold' as const, value: '30' },
};

async function seen(
  { read, look, pauseMs }: Load,
  { id, userId, word, token }: Created,
): Promise<void> {
  const { method } = TradingQueryService;
  const consistency = { atLeastAsFreshAs: token };
  if (look === 'by id, with token') {
    const { strategy } = await call(read, method.getStrategy, { strategyId: id, consistency });
    if (strategy === undefined) throw new Error('an answer is not as fresh as its token');
    return;
  }
  const isTold = look === 'search, with token';
  const request = { userId, text: word, ...(isTold && { consistency }) };
  for (const until = performance.now() + patienceMs; performance.now() < until; ) {
    const { hits } = await call(read, method.searchStrategies, request);
    if (hits.some(({ strategy }) => strategy?.strategyId === id)) return;
    if (isTold) throw new Error('an answer is not as fresh as its token');
    await delay(pauseMs);
  }
  throw new Error(`${word} is not found within ${patienceMs} ms`);
}
