import type { CandleInterval } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isRejection, type Rejection, rejectField } from '../../../kernel/rejection.ts';
import { defineQuery, notFound, type Reader } from '../../../read/kit.ts';
import { millisecondsPerDay } from '../days.ts';
import { instruments } from '../instruments/instruments.ts';
import { millisecondsOf, timeRange } from '../times.ts';
import { type CandleRow, type CandlesDocument, candles, seriesOf } from './candles.ts';
import { type Interval, intervalOf, periodOf } from './intervals.ts';

/** In seconds since 1970; from inclusive, until exclusive. */
type Span = { readonly from: number; readonly until: number };

const latest = 253_402_300_800;
const documentsPerRead = 4;

export const candleQueries = [
  defineQuery({
    method: TradingQueryService.method.listCandles,
    views: [candles, instruments],
    answer: async (query, { reader, page: { limit, after } }) => {
      const { instrumentId, from, until } = query;
      const interval = intervalOf(query.interval as CandleInterval);
      const range = timeRange('periodStart', 'from', from, until);
      if (isRejection(range)) return range;
      const asked = {
        from: from === undefined ? 0 : Math.ceil(millisecondsOf(from) / 1000),
        until: until === undefined ? latest : Math.ceil(millisecondsOf(until) / 1000),
      };
      const span = behind(asked, after, interval);
      if (isRejection(span)) return span;
      const rows = await readRows(reader, seriesOf(interval, instrumentId), interval, span, limit);
      if (rows.length === 0 && (await reader.get(instruments, instrumentId)) === undefined) {
        return notFound('instrument', instrumentId);
      }
      const shown = rows.slice(0, limit);
      const next = rows.length > limit ? cursorOf(shown.at(-1)) : '';
      return {
        candles: shown.map(toCandle),
        page: { nextCursor: next },
        gaps: gapsOf(shown, interval),
      };
    },
  }),
];

/** One row more than the limit, where there are so many. */
async function readRows(
  reader: Reader,
  series: string,
  interval: Interval,
  { from, until }: Span,
  limit: number,
): Promise<readonly CandleRow[]> {
  const where = [
    { field: 'series', in: [series] },
    {
      field: 'periodStart',
      from: periodOf(interval, from) * millisecondsPerDay,
      until: until * 1000,
    },
  ];
  const rows: CandleRow[] = [];
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
      rows.push(...all.filter(([start]) => start >= from && start < until));
    }
    after = page.next;
  } while (after !== undefined && rows.length <= limit);
  return rows;
}

/** A page of candles ends within a document: its cursor is the start of its last candle. */
function cursorOf(row: CandleRow | undefined): string {
  return row === undefined ? '' : `c1.${row[0].toString(36)}`;
}

/** What is left of the span behind the page before. */
function behind(span: Span, cursor: string | undefined, { seconds }: Interval): Span | Rejection {
  if (cursor === undefined) return span;
  const text = /^c1\.([0-9a-z]{1,8})$/.exec(cursor)?.[1];
  const last = text === undefined ? Number.NaN : Number.parseInt(text, 36);
  if (last % seconds === 0 && last >= span.from && last < span.until) {
    return { ...span, from: last + 1 };
  }
  const message = 'the cursor is damaged, or belongs to another question';
  return rejectField('CURSOR_INVALID', 'page.cursor', message);
}

function toCandle([start, open, high, low, close, volume]: CandleRow) {
  return { start: BigInt(start), open, high, low, close, volume };
}

/** What is missing between the first and the last of the rows. */
function gapsOf(rows: readonly CandleRow[], { seconds }: Interval) {
  const gaps: { readonly first: bigint; readonly last: bigint }[] = [];
  for (const [index, [start]] of rows.entries()) {
    const before = rows[index - 1]?.[0] ?? start - seconds;
    if (before + seconds === start) continue;
    gaps.push({ first: BigInt(before + seconds), last: BigInt(start - seconds) });
  }
  return gaps;
}
