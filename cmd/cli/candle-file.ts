import { create } from '@bufbuild/protobuf';
import {
  type Candle,
  CandleInterval,
  CandleSchema,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import { checkCandle } from '../../src/trading/candles/candle.ts';
import type { BadRow, CsvRow } from './csv-file.ts';
import { CliError } from './exit-codes.ts';
import { formatStart } from './format.ts';

export const intervals: ReadonlyMap<string, CandleInterval> = new Map([
  ['1m', CandleInterval.CANDLE_INTERVAL_1M],
  ['5m', CandleInterval.CANDLE_INTERVAL_5M],
  ['15m', CandleInterval.CANDLE_INTERVAL_15M],
  ['1h', CandleInterval.CANDLE_INTERVAL_1H],
  ['4h', CandleInterval.CANDLE_INTERVAL_4H],
  ['1d', CandleInterval.CANDLE_INTERVAL_1D],
]);

export type CandleFile = {
  /** In the order of time. */
  readonly candles: readonly Candle[];
  readonly bad: readonly BadRow[];
};

const columns = ['time', 'open', 'high', 'low', 'close', 'volume'] as const;
/** What the column of the time is called elsewhere. */
const timeNames = ['time', 'date', 'datetime', 'timestamp', 'start'];
const decimal = /^(0|[1-9]\d{0,19})(\.\d{1,18})?$/;

/**
 * Candles of rows with a time, open, high, low, close and volume: in this order, or in the order
 * that a first row with names gives. Rows that break a rule are told apart, with the rule.
 */
export async function readCandles(
  rows: AsyncIterable<CsvRow> | Iterable<CsvRow>,
  stepSeconds: number,
): Promise<CandleFile> {
  const candles: Candle[] = [];
  const bad: BadRow[] = [];
  let order: readonly number[] | undefined;
  for await (const row of rows) {
    if (order === undefined) {
      order = orderOf(row);
      if (order !== inOrder) continue;
    }
    const cells = order.map((at) => row.cells[at] ?? '');
    const candle = toCandle(row, cells, stepSeconds, candles.at(-1)?.start);
    if ('rule' in candle) bad.push(candle);
    else candles.push(candle);
  }
  return { candles, bad };
}

const inOrder: readonly number[] = columns.map((_, at) => at);

/** Where each column is. A first row that begins with a letter has the names. */
function orderOf({ line, cells }: CsvRow): readonly number[] {
  if (!/^\p{L}/u.test(cells[0] ?? '')) return inOrder;
  const names = cells.map((cell) => cell.toLowerCase());
  return columns.map((column) => {
    const at = names.findIndex((name) =>
      column === 'time' ? timeNames.includes(name) : name === column,
    );
    if (at >= 0) return at;
    throw new CliError(`line ${line}: no column "${column}" among ${names.join(', ')}`);
  });
}

function toCandle(
  { line, cells: row }: CsvRow,
  cells: readonly string[],
  stepSeconds: number,
  before: bigint | undefined,
): Candle | BadRow {
  const refuse = (value: string, rule: string): BadRow => ({ line, value, rule });
  if (row.length < columns.length) {
    return refuse(row.join(','), `${columns.length} columns (it has ${row.length})`);
  }
  const [time = '', open = '', high = '', low = '', close = '', volume = ''] = cells;
  const start = parseTime(time);
  if (start === undefined) {
    return refuse(time, 'a time as yyyymmdd hh:mm, ISO 8601, or seconds since 1970');
  }
  if (start % stepSeconds !== 0) {
    return refuse(time, 'the start of an interval, which is a multiple of it (UTC)');
  }
  if (before !== undefined && BigInt(start) <= before) {
    const last = formatStart(Number(before));
    return refuse(time, `in the order of time, without doubles (${last} is before it)`);
  }
  for (const [at, cell] of cells.entries()) {
    if (at === 0 || decimal.test(cell)) continue;
    const rule = `${columns[at]}: a decimal in plain notation, up to 18 digits behind the point`;
    return refuse(cell, rule);
  }
  const candle = create(CandleSchema, { start: BigInt(start), open, high, low, close, volume });
  const checked = checkCandle(0, candle);
  if (!isRejection(checked)) return checked;
  return refuse(cells.join(','), checked.message.replaceAll('candles[0].', ''));
}

const latest = 253_402_300_800;

/**
 * Seconds since 1970: `20141201 00:00`, `20141201`, `2014-12-01`, `2014-12-01T00:00:00Z` (UTC where
 * no zone is named), seconds or milliseconds since 1970. Undefined for anything else.
 */
export function parseTime(text: string): number | undefined {
  const compact = /^(\d{4})(\d\d)(\d\d)(?: (\d\d):(\d\d))?$/.exec(text);
  if (compact !== null) {
    const [, year, month, day, hour = '00', minute = '00'] = compact;
    return secondsOfIso(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  }
  if (/^\d{9,10}$/.test(text)) return Number(text);
  if (/^\d{12,13}$/.test(text)) return Math.floor(Number(text) / 1000);
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return secondsOfIso(`${text}T00:00:00Z`);
  const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.0+)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (iso === null) return undefined;
  const [, day, minute, second = ':00', zone = 'Z'] = iso;
  return secondsOfIso(`${day}T${minute}${second}${zone}`);
}

function secondsOfIso(text: string): number | undefined {
  const ms = Date.parse(text);
  const seconds = ms / 1000;
  if (Number.isNaN(ms) || seconds < 0 || seconds >= latest) return undefined;
  // Date.parse takes the 31st of February for the 3rd of March.
  const zoneless = text.endsWith('Z') ? new Date(ms).toISOString().slice(0, 10) : undefined;
  return zoneless === undefined || text.startsWith(zoneless) ? seconds : undefined;
}
