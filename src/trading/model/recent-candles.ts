import { type Decimal, decimal } from '../../kernel/decimal.ts';
import type { FillCandle } from './fills.ts';

// What the write side remembers of a series of candles: the last of them, by their start.

/** Times in seconds since 1970 (UTC); prices in canonical text. */
export type RecentCandle = {
  readonly start: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
};

/** In the order of time, without doubles. */
export type RecentCandles = readonly RecentCandle[];

/** Enough for an order that is placed a little behind its signal; little in memory and snapshots. */
export const recentCandlesKept = 50;

/** A candle as it is in messages. */
export type CandleMessage = Omit<RecentCandle, 'start'> & { readonly start: bigint };

export function toRecent(candle: CandleMessage): RecentCandle {
  const { start, open, high, low, close, volume } = candle;
  return { start: Number(start), open, high, low, close, volume };
}

/** With others, which may fill gaps between them; of all of them the last ones. */
export function withCandles(recent: RecentCandles, added: readonly CandleMessage[]): RecentCandles {
  const last = added.slice(-recentCandlesKept).map(toRecent);
  const isBehind = (recent.at(-1)?.start ?? -1) < (last[0]?.start ?? 0);
  const all = [...recent, ...last];
  if (!isBehind) all.sort((a, b) => a.start - b.start);
  return all.slice(-recentCandlesKept);
}

export function toFillCandle(candle: RecentCandle, seconds: number): FillCandle {
  return {
    start: candle.start,
    seconds,
    open: decimal(candle.open),
    high: decimal(candle.high),
    low: decimal(candle.low),
    close: decimal(candle.close),
    volume: decimal(candle.volume),
  };
}

export function closeOf({ close }: RecentCandle): Decimal {
  return decimal(close);
}

/**
 * The candles behind a start: those that are shown, and with none, those that are remembered.
 *
 * Undefined where it cannot be told from what is remembered whether there were others in between.
 */
export function candlesBehind(
  after: number,
  shown: readonly CandleMessage[],
  recent: RecentCandles,
): RecentCandles | undefined {
  if (shown.length > 0) {
    const until = Number(shown.at(-1)?.start);
    const first = Number(shown[0]?.start);
    // Those before may have come while nobody was shown them.
    const before = recent.filter(({ start }) => start > after && start < first);
    const own = shown.map(toRecent).filter(({ start }) => start > after && start <= until);
    return [...before, ...own];
  }
  const isWhole = recent.length < recentCandlesKept || (recent[0]?.start ?? 0) <= after;
  return isWhole ? recent.filter(({ start }) => start > after) : undefined;
}
