import { decimal } from '../../../kernel/decimal.ts';
import type { Reader } from '../../../read/kit.ts';
import type { FillCandle } from '../../model/fills.ts';
import { type CandleRow, type CandlesDocument, candles, seriesOf } from '../candles/candles.ts';
import { type Interval, periodOf } from '../candles/intervals.ts';
import { millisecondsPerDay } from '../days.ts';

/** In seconds since 1970; from inclusive, until exclusive. */
export type Span = { readonly from: number; readonly until: number };

const documentsPerRead = 4;

/** Documents of candles, oldest first, a few at a time, each with its candles within the span. */
export async function* readCandles(
  reader: Reader,
  instrumentId: string,
  interval: Interval,
  { from, until }: Span,
): AsyncGenerator<readonly CandleRow[]> {
  const where = [
    { field: 'series', in: [seriesOf(interval, instrumentId)] },
    {
      field: 'periodStart',
      from: periodOf(interval, from) * millisecondsPerDay,
      until: until * 1000,
    },
  ];
  let after: string | undefined;
  do {
    const page = await reader.list(candles, {
      where,
      sort: { field: 'periodStart', descending: false },
      limit: documentsPerRead,
      ...(after !== undefined && { after }),
    });
    for (const { document } of page.items) {
      const { candles: all } = document as unknown as CandlesDocument;
      yield all.filter(([start]) => start >= from && start < until);
    }
    after = page.next;
  } while (after !== undefined);
}

export function candleOf(row: CandleRow, { seconds }: Interval): FillCandle {
  const [start, open, high, low, close, volume] = row;
  return {
    start,
    seconds,
    open: decimal(open),
    high: decimal(high),
    low: decimal(low),
    close: decimal(close),
    volume: decimal(volume),
  };
}
