import { create } from '@bufbuild/protobuf';
import {
  type RegisterInstrumentCommand,
  RegisterInstrumentCommandSchema,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { AssetClass } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { createValidation } from '../../src/kernel/validation.ts';
import { deriveUuid } from '../../src/write/ids.ts';
import type { BadRow, CsvRow } from './csv-file.ts';
import { CliError } from './exit-codes.ts';

export type InstrumentRow = {
  readonly line: number;
  readonly command: RegisterInstrumentCommand;
};

export type InstrumentFile = {
  readonly rows: readonly InstrumentRow[];
  readonly bad: readonly BadRow[];
};

const columns = [
  ...(['market', 'symbol', 'type', 'description', 'quote_currency'] as const),
  ...(['minimum_price_variation', 'lot_size', 'market_ticker', 'minimum_order_size'] as const),
] as const;
type Cells = { readonly [column in (typeof columns)[number]]: string };

const assetClasses: ReadonlyMap<string, AssetClass> = new Map([
  ['crypto', AssetClass.CRYPTO],
  ['equity', AssetClass.EQUITY],
  ['forex', AssetClass.FOREX],
  ['commodity', AssetClass.COMMODITY],
]);

/** Of `instrument_id`, in words that say more than the pattern. */
const idPattern = /^[A-Z0-9][A-Z0-9._/-]{0,49}$/;

/**
 * Instruments of rows under a first row with the names of the columns. The ticker of the market is
 * the instrument's id; what the symbol has before the quote currency is its base asset.
 * @param market of this market alone, where it is given
 */
export async function readInstruments(
  source: AsyncIterable<CsvRow> | Iterable<CsvRow>,
  market?: string,
): Promise<InstrumentFile> {
  const validate = createValidation();
  const rows: InstrumentRow[] = [];
  const bad: BadRow[] = [];
  const seen = new Map<string, number>();
  let order: ReadonlyMap<string, number> | undefined;
  for await (const { line, cells } of source) {
    if (order === undefined) {
      order = orderOf(cells);
      continue;
    }
    const places = order;
    const row = Object.fromEntries(
      columns.map((column) => [column, cells[places.get(column) ?? -1] ?? '']),
    ) as Cells;
    if (market !== undefined && row.market !== market) continue;
    const id = row.market_ticker;
    const command = toCommand(row);
    if (typeof command === 'string') {
      bad.push({ line, value: id, rule: command });
      continue;
    }
    const violations = validate(RegisterInstrumentCommandSchema, command)?.fields ?? [];
    const doubled = seen.get(id);
    if (violations.length > 0) {
      const rule = violations.map(({ field, message }) => `${field}: ${message}`).join('; ');
      bad.push({ line, value: id, rule });
    } else if (doubled !== undefined) {
      const rule = `an id that is in the file once (line ${doubled} has it too)`;
      bad.push({ line, value: id, rule });
    } else {
      seen.set(id, line);
      rows.push({ line, command });
    }
  }
  return { rows, bad };
}

function orderOf(names: readonly string[]): ReadonlyMap<string, number> {
  const order = new Map(names.map((name, at) => [name.toLowerCase(), at]));
  const absent = columns.filter((column) => !order.has(column));
  if (absent.length === 0) return order;
  throw new CliError(`the first row has to name the columns; it has no ${absent.join(', no ')}`);
}

/** The command, its id derived from what it says; or what is wrong. */
function toCommand(row: Cells): RegisterInstrumentCommand | string {
  const assetClass = assetClasses.get(row.type.toLowerCase());
  if (!idPattern.test(row.market_ticker)) {
    return 'market_ticker: capital letters and digits; . _ / - behind the first; up to 50';
  }
  if (assetClass === undefined) {
    return `type: one of ${[...assetClasses.keys()].join(', ')}, not "${row.type}"`;
  }
  const terms = {
    instrumentId: row.market_ticker,
    description: row.description,
    market: row.market,
    assetClass,
    baseAsset: baseOf(row),
    quoteCurrency: row.quote_currency,
    tickSize: row.minimum_price_variation,
    lotSize: row.lot_size,
    minimumOrderSize: row.minimum_order_size,
  };
  const commandId = deriveUuid('import instrument', JSON.stringify(Object.values(terms)));
  return create(RegisterInstrumentCommandSchema, { ...terms, metadata: { commandId } });
}

/** `BTCUSD` without `USD`; where the symbol does not end so, the ticker up to its separator. */
function baseOf({ symbol, quote_currency: quote, market_ticker: ticker }: Cells): string {
  if (quote !== '' && symbol.endsWith(quote)) return symbol.slice(0, -quote.length);
  return ticker.split(/[-/_]/)[0] ?? '';
}
