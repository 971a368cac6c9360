import { decimal } from '../../src/kernel/decimal.ts';
import type { FillCandle } from '../../src/trading/model/fills.ts';
import { sharedData } from './shared-data.ts';

/** The daily candles of the shared data as texts; start in seconds since 1970. */
export function bitcoinRows() {
  return sharedData('market/btcusd-daily.csv')
    .trim()
    .split('\n')
    .map((line) => {
      const [time = '', open = '', high = '', low = '', close = '', volume = ''] = line.split(',');
      const date = `${time.slice(0, 4)}-${time.slice(4, 6)}-${time.slice(6, 8)}`;
      return { start: Date.parse(`${date}T00:00:00Z`) / 1000, open, high, low, close, volume };
    });
}

export function bitcoinCandles(): readonly FillCandle[] {
  return candlesOf(bitcoinRows());
}

export function candlesOf(rows: ReturnType<typeof bitcoinRows>): readonly FillCandle[] {
  return rows.map(({ start, open, high, low, close, volume }) => ({
    ...{ start, seconds: 86_400, open: decimal(open), high: decimal(high), low: decimal(low) },
    ...{ close: decimal(close), volume: decimal(volume) },
  }));
}
