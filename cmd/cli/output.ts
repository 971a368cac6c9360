import { styleText } from 'node:util';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type JsonValue, toJson } from '@bufbuild/protobuf';
import { registry } from './rpc-lookup.ts';
import { type Column, formatFields, formatTable } from './table.ts';
import { hang, oneLine } from './text.ts';

/** Where a command writes: its answer to `stdout`, all talk about it to `stderr`. */
export type Streams = {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
};

export type Output = {
  /** The user wants JSON instead of tables. */
  readonly json: boolean;
  readonly width: number;
  readonly print: (line: string) => void;
  /** A sentence of the answer, on as many lines as it needs. */
  readonly sentence: (text: string) => void;
  /** A line beside the answer; it is not part of what a script reads. */
  readonly note: (line: string) => void;
  /** A sentence beside the answer, on as many lines as it needs. */
  readonly remark: (text: string) => void;
  /** One JSON document, on one line. */
  readonly document: (value: JsonValue) => void;
  readonly heading: (text: string) => void;
  readonly table: (columns: readonly Column[], rows: readonly (readonly string[])[]) => void;
  /** More rows of a table whose header is printed. */
  readonly rows: (columns: readonly Column[], rows: readonly (readonly string[])[]) => void;
  readonly fields: (fields: readonly (readonly [label: string, value: string])[]) => void;
};

const narrow = 80;
const widest = 200;

export function createOutput({ stdout, stderr }: Streams, json: boolean): Output {
  const columns = stdout.isTTY === true ? (stdout.columns ?? narrow) : narrow;
  const width = Math.min(Math.max(columns, 40), widest);
  const print = (line: string): void => void stdout.write(`${line}\n`);
  const note = (line: string): void => void stderr.write(`${line}\n`);
  // styleText leaves the text plain where the stream is no terminal or NO_COLOR is set.
  const bold = (text: string): string =>
    styleText('bold', text, { stream: stdout as NodeJS.WriteStream });
  return {
    json,
    width,
    print,
    sentence: (text) => {
      for (const line of hang(text, width)) print(line);
    },
    note,
    remark: (text) => {
      for (const line of hang(text, width)) note(line);
    },
    document: (value) => print(JSON.stringify(value)),
    heading: (text) => print(bold(oneLine(text))),
    table: (tableColumns, rows) => {
      const [header = '', ...lines] = formatTable(tableColumns, rows, width);
      print(bold(header));
      for (const line of lines) print(line);
    },
    rows: (tableColumns, rows) => {
      for (const line of formatTable(tableColumns, rows, width).slice(1)) print(line);
    },
    fields: (fields) => {
      for (const line of formatFields(fields, width)) print(line);
    },
  };
}

/** Proto3 JSON with every field that is not a message, so that a script finds zeros and falses. */
export function fullJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): JsonValue {
  return toJson(schema, message, { registry, alwaysEmitImplicit: true });
}
