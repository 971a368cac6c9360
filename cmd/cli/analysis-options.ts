import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import type { Measure } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Output } from './output.ts';

export type CsvOption = { readonly csv?: true };

/** `--csv`, for answers that are a table: one line a row, figures whole and without a unit. */
export function addCsvOption(command: Command): Command {
  return command.addOption(new Option('--csv', 'the table as CSV, figures in full'));
}

type Cell = string | number | bigint | undefined;

/** RFC 4180: the names of columns first; a cell that is not there is empty. */
export function printCsv(
  output: Output,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  for (const row of [header, ...rows]) output.print(row.map(toCell).join(','));
}

function toCell(cell: Cell): string {
  const text = cell === undefined ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A measure in a table: the reason stands where there is no value. */
export function measureText(
  measure: Measure | undefined,
  format: (value: number) => string,
): string {
  const { value, undefinedReason = '' } = measure ?? {};
  return value === undefined ? undefinedReason : format(value);
}

/** A time for programs: `2018-01-01T12:00:00.000Z`; empty where there is none. */
export function isoText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}
