import { writeFile } from 'node:fs/promises';
import type { Cli } from './cli.ts';
import { resolveFile } from './csv-file.ts';
import { CliError } from './exit-codes.ts';

/** Writes a file that the user has named, over what was there, and says so beside the answer. */
export async function writeExport(
  { env, output }: Cli,
  file: string,
  what: string,
  text: string,
): Promise<void> {
  const path = resolveFile(file, env);
  try {
    await writeFile(path, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`${path} cannot be written (${code ?? 'no code'})`, undefined, {
      cause: error,
    });
  }
  output.remark(`${what} written to ${path}`);
}

/** RFC 4180, with plain line feeds. */
export function toCsv(
  headers: readonly string[],
  rows: Iterable<readonly (string | number | bigint)[]>,
): string {
  const lines = [headers.join(',')];
  for (const row of rows) lines.push(row.map((cell) => csvCell(String(cell))).join(','));
  return `${lines.join('\n')}\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
