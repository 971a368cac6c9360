import {
  StrategyActivatedSchema,
  StrategyCreatedSchema,
  StrategyPausedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { commandEvent, owner, type StreamEvent, uuidOf } from './events.ts';
import { createRandom } from './random.ts';
import {
  activity,
  candles,
  dayMs,
  instruments,
  opened,
  type Portfolio,
  portfolioOf,
  registered,
  timeText,
} from './trading-events.ts';

const startMs = Date.UTC(2022, 0, 1);

/**
 * So many events of trading over four years, the same ones in every run: of a thousand 800 trades,
 * 80 deposits, 30 withdrawals, 40 of strategies, 45 of candles, 5 openings of portfolios.
 */
export function* tradingMix(count: number): Generator<StreamEvent> {
  const random = createRandom(1);
  const portfolios: Portfolio[] = [];
  const strategies: string[] = [];
  const stepMs = Math.floor((4 * 365 * dayMs) / count);
  for (let i = 0; i < count; i += 1) {
    const atMs = startMs + i * stepMs;
    const kind = Math.floor(random() * 1_000);
    if (i < instruments) {
      yield registered(i, atMs);
    } else if (kind < 5 || portfolios.length < 20) {
      const portfolio = portfolioOf(i);
      portfolios.push(portfolio);
      yield opened(portfolio, i, atMs);
    } else if (kind < 50) {
      yield candles(Math.floor(random() * instruments), i, atMs);
    } else if (kind < 90) {
      yield strategyEvent(strategies, random, i, atMs);
    } else {
      const portfolio = portfolios[Math.floor(random() * portfolios.length)];
      if (portfolio !== undefined) yield activity(portfolio, kind, random, i, atMs);
    }
  }
}

/** Two of five create one. */
function strategyEvent(
  strategies: string[],
  random: () => number,
  index: number,
  atMs: number,
): StreamEvent {
  const id = uuidOf(`event ${index}`);
  const of = strategies[Math.floor(random() * strategies.length)];
  if (of === undefined || random() < 0.4) {
    strategies.push(id);
    const event = commandEvent(StrategyCreatedSchema, id, strategyTerms(id, index, atMs), atMs);
    return { stream: `strategy-${id}`, event };
  }
  const known = { strategyId: of, userId: owner };
  const event =
    random() < 0.5
      ? commandEvent(StrategyActivatedSchema, id, { ...known, activatedAt: timeText(atMs) }, atMs)
      : commandEvent(StrategyPausedSchema, id, { ...known, pausedAt: timeText(atMs) }, atMs);
  return { stream: `strategy-${of}`, event };
}

const adjectives = ['Calm', 'Bold', 'Steady', 'Quick', 'Patient', 'Early', 'Late', 'Broad'];
const nouns = ['Momentum', 'Reversion', 'Breakout', 'Trend', 'Channel', 'Carry', 'Swing', 'Range'];
const indicators = ['SMA', 'EMA', 'RSI', 'MACD', 'BOLLINGER'];

export function strategyTerms(strategyId: string, index: number, atMs: number, userId = owner) {
  const [adjective, noun] = [adjectives[index % 8], nouns[Math.floor(index / 8) % 8]];
  const indicator = `INDICATOR_${indicators[index % indicators.length]}`;
  const rule = {
    indicator: { indicator, window: 5 + (index % 50) },
    ...{ comparator: 'COMPARATOR_BELOW', threshold: '30', action: 'RULE_ACTION_ENTER_LONG' },
  };
  return {
    ...{ strategyId, userId, strategyName: `${adjective} ${noun} ${index}` },
    rules: [rule],
    riskProfile: { stopLoss: '0.05', maxOpenPositions: 3 },
    createdAt: timeText(atMs),
  };
}
