import { CandlesRecordedSchema } from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { commandEvent, type StreamEvent, uuidOf } from './events.ts';
import { createRandom } from './random.ts';
import { strategyLog } from './strategies.ts';
import {
  activity,
  dayMs,
  instruments,
  opened,
  type Portfolio,
  portfolioOf,
  priceText,
  registered,
  timeText,
} from './trading-events.ts';

export type Sizes = {
  readonly strategies: number;
  readonly portfolios: number;
  readonly candles: number;
  readonly trades: number;
};

const startMs = Date.UTC(2022, 0, 1);
const days = 4 * 365;
const endMs = startMs + days * dayMs;
const quarterMs = 900_000;
/** As an import sends them: so many candles in an event. */
const candlesAtOnce = 480;
/** The others are deposits, and some withdrawals. */
const tradesOfAll = 0.95;

/**
 * A desk of that size, over four years: strategies; portfolios that trade all the time, each with six
 * instruments of which the first is in every one; for each instrument a candle of each day, and as
 * many of a quarter of an hour before the end as make up the number.
 */
export function* sizesLog(sizes: Sizes): Generator<StreamEvent> {
  const random = createRandom(7);
  yield* strategyLog(sizes.strategies);
  for (let i = 0; i < instruments; i += 1) yield registered(i, startMs);
  const portfolios: Portfolio[] = [];
  let index = 0;
  for (; index < sizes.portfolios; index += 1) {
    const portfolio = { ...portfolioOf(index), id: sizesPortfolioId(index) };
    portfolios.push(portfolio);
    yield opened(portfolio, index, startMs, nameOf(index, random), userOf(index));
  }
  const activities = Math.round(sizes.trades / tradesOfAll);
  const quarters = Math.max(0, Math.round(sizes.candles / instruments) - days);
  let [done, candle] = [0, 0];
  for (let day = 0; day < days; day += 1) {
    const atMs = startMs + day * dayMs;
    for (const until = Math.round((activities * (day + 1)) / days); done < until; done += 1) {
      const portfolio = portfolios[done % portfolios.length];
      if (portfolio === undefined) break;
      const isTrade = done >= portfolios.length && random() < tradesOfAll;
      const kind = isTrade ? 500 : done < portfolios.length ? 0 : Math.floor(random() * 200);
      yield activity(portfolio, kind, random, index, atMs + (done % dayMs));
      index += 1;
    }
    for (let i = 0; i < instruments; i += 1) {
      yield candlesOf(i, 'CANDLE_INTERVAL_1D', atMs, dayMs, 1);
    }
    const due = Math.min(quarters, quarters - (days - day - 1) * (dayMs / quarterMs));
    for (; candle < due; candle += Math.min(candlesAtOnce, quarters - candle)) {
      const from = endMs - (quarters - candle) * quarterMs;
      const count = Math.min(candlesAtOnce, quarters - candle);
      for (let i = 0; i < instruments; i += 1) {
        yield candlesOf(i, 'CANDLE_INTERVAL_15M', from, quarterMs, count);
      }
    }
  }
}

/** The next quarter of an hour of the instrument that every portfolio has. */
export function tickOf(number: number): StreamEvent {
  const from = endMs + (number + 1) * quarterMs;
  return candlesOf(0, 'CANDLE_INTERVAL_15M', from, quarterMs, 1);
}

/** Portfolios that are paid into, one after the other, after all that is in the log. */
export function depositOf(number: number, portfolios: number): StreamEvent {
  const portfolio = { ...portfolioOf(0), id: sizesPortfolioId(number % portfolios), cash: 0 };
  return activity(portfolio, 0, createRandom(number), 1e9 + number, endMs + 2 * dayMs + number);
}

/** The instruments of a portfolio follow from the beginning of its id: the first is in all. */
export function sizesPortfolioId(index: number): string {
  const first = (95 + (index % 6)).toString(16).padStart(4, '0');
  return `${first}${uuidOf(`portfolio ${index}`).slice(4)}`;
}

export function userOf(index: number): string {
  return `user-${index % 2_000}`;
}

const firsts = ['Calm', 'Bold', 'Steady', 'Quick', 'Patient', 'Early', 'Late', 'Broad'];
const seconds = ['Savings', 'Pension', 'Momentum', 'Carry', 'House', 'Reserve', 'Growth', 'Income'];

function nameOf(index: number, random: () => number): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)];
  return `${pick(firsts)} ${pick(seconds)} ${index}`;
}

function candlesOf(
  instrument: number,
  interval: string,
  fromMs: number,
  lengthMs: number,
  count: number,
): StreamEvent {
  const instrumentId = `A${instrument}X-USD`;
  const candles = Array.from({ length: count }, (_, i) => {
    const atMs = fromMs + i * lengthMs;
    const [open, close] = [priceText(instrument, atMs), priceText(instrument, atMs + lengthMs)];
    const [high, low] = Number(open) > Number(close) ? [open, close] : [close, open];
    return { start: `${atMs / 1_000}`, open, high, low, close, volume: '1000' };
  });
  const recordedAt = timeText(fromMs + count * lengthMs);
  const data = { instrumentId, interval, candles, recordedAt };
  const id = uuidOf(`${interval} ${instrumentId} ${fromMs}`);
  const stream = `candles-${instrumentId}-${interval === 'CANDLE_INTERVAL_1D' ? '1d' : '15m'}`;
  return { stream, event: commandEvent(CandlesRecordedSchema, id, data, fromMs) };
}
