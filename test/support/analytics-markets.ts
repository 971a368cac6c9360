import { AssetClass, CandleInterval } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import type { CandleRow, Teller } from './analytics-story.ts';

// What there is to trade in the story of a desk, and the candles besides those that are traded live.

const { CANDLE_INTERVAL_1D: daily, CANDLE_INTERVAL_1H: hourly } = CandleInterval;

const secondsOf = (text: string) => Date.parse(text) / 1000;

/** Prices that go up and down, one for each start. */
function wandering(starts: readonly number[], around: number): readonly CandleRow[] {
  const closeOf = (at: number) => around * 100 + ((at * 37) % 101) - 50;
  const text = (cents: number) =>
    `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  return starts.map((start, at) => {
    const [open, close] = [closeOf(Math.max(0, at - 1)), closeOf(at)];
    const [high, low] = [Math.max(open, close) + 3, Math.min(open, close) - 3];
    const texts = { open: text(open), high: text(high), low: text(low), close: text(close) };
    return { start, ...texts, volume: `${1000 + (at % 7) * 100}` };
  });
}

/** Candles besides those that are traded live: hours with a gap, a market that closes, euros. */
export async function tellMarkets(teller: Teller): Promise<void> {
  const march = secondsOf('2015-03-01T00:00:00Z');
  const hours = Array.from({ length: 96 }, (_, hour) => hour).filter((hour) => hour !== 80);
  const ofHours = wandering(
    hours.map((hour) => march + hour * 3600),
    12,
  );
  await teller.candles('ETH-USD', hourly, ofHours);
  const days = Array.from(
    { length: 100 },
    (_, day) => secondsOf('2015-01-05T00:00:00Z') + day * 86_400,
  );
  const weekdays = days.filter((_, day) => day % 7 < 5);
  await teller.candles('ACM-USD', daily, wandering(weekdays, 90));
  const euros = Array.from({ length: 20 }, (_, day) => march + day * 86_400);
  await teller.candles('BTC-EUR', daily, wandering(euros, 230));
}

export async function tellInstruments(teller: Teller): Promise<void> {
  await teller.register('BTC-USD', { description: 'Bitcoin' });
  await teller.register('ETH-USD', { description: 'Ether' });
  await teller.register('BTC-EUR', { description: 'Bitcoin in euros' });
  await teller.register('ACM-USD', {
    ...{ assetClass: AssetClass.EQUITY, description: 'Acme', market: 'bell' },
  });
}
