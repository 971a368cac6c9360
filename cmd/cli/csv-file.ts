import { createReadStream } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { CsvError, parse } from 'csv-parse';
import type { Environment } from '../../src/config/environment.ts';
import { CliError } from './exit-codes.ts';
import { oneLine, truncate, wrap } from './text.ts';

/** A row and the number of its line in the file, from 1. */
export type CsvRow = { readonly line: number; readonly cells: readonly string[] };

/** A row that cannot be taken: what it says, and the rule that it breaks. */
export type BadRow = { readonly line: number; readonly value: string; readonly rule: string };

/** A file as the user names it: `npm run` changes the folder, and says where it was called. */
export function resolveFile(file: string, env: Environment): string {
  const folder = env.npm_lifecycle_event === 'horizon' ? env.INIT_CWD : undefined;
  return isAbsolute(file) || folder === undefined ? file : resolve(folder, file);
}

/**
 * The rows of a CSV file that are not empty, cells trimmed, of any number of columns.
 *
 * @throws CliError where the file cannot be read, or its quotes do not match
 */
export async function* readCsv(file: string): AsyncIterable<CsvRow> {
  const parser = parse({
    ...{ bom: true, info: true, trim: true },
    ...{ relax_column_count: true, skip_empty_lines: true },
  });
  const source = createReadStream(file);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      yield { line: info.lines, cells: record };
    }
  } catch (error) {
    throw new CliError(sentence(file, error), undefined, { cause: error });
  } finally {
    source.destroy();
  }
}

type Parsed = { readonly record: string[]; readonly info: { readonly lines: number } };

function sentence(file: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `there is no file ${file}`;
  if (code === 'EISDIR') return `${file} is a folder`;
  if (error instanceof CsvError) return `${file} is no CSV: ${message}`;
  return `cannot read ${file}: ${message}`;
}

const mostShown = 100;

/** `line 7: "abc": a decimal in plain notation`, wrapped; the first hundred, and how many more. */
export function badRowLines(rows: readonly BadRow[], width: number): string[] {
  const lines = rows.slice(0, mostShown).flatMap(({ line, value, rule }) => {
    const text = oneLine(`line ${line}: ${JSON.stringify(truncate(value, 60))}: ${rule}`);
    return wrap(text, width - 4).map((part, at) => `${at === 0 ? '  ' : '    '}${part}`);
  });
  const more = rows.length - mostShown;
  return more > 0 ? [...lines, `  … and ${more} more (--json lists them all)`] : lines;
}
