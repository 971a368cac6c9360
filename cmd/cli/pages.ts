import type { Command } from 'commander';
import { countArgument } from './arguments.ts';
import type { Output } from './output.ts';

export type PageOptions = { readonly limit: number; readonly cursor: string };

const largestPage = 500;

/** `--limit` and `--cursor`, for a command that lists. */
export function addPageOptions(command: Command): Command {
  return command
    .option('--limit <count>', `how many at most, up to ${largestPage}`, countArgument, 50)
    .option('--cursor <cursor>', 'go on behind the page before', '');
}

export function pageOf({ limit, cursor }: PageOptions) {
  return { pageSize: Math.min(limit, largestPage), cursor };
}

/** What a list leaves out must not look as if it were not there. */
export function noteMore(output: Output, page: { readonly nextCursor: string } | undefined): void {
  if (page === undefined || page.nextCursor === '') return;
  output.note('There are more: --limit for a longer page, or behind this one with');
  for (const line of cursorLines(page.nextCursor, output.width)) output.note(line);
}

/** As a shell reads it when it is pasted: a line that ends in a backslash goes on in the next. */
function cursorLines(cursor: string, width: number): string[] {
  const whole = `  --cursor '${cursor}'`;
  if (whole.length <= width) return [whole];
  const text = `  --cursor "${cursor}"`;
  const room = width - 1;
  return Array.from({ length: Math.ceil(text.length / room) }, (_, at) => {
    const part = text.slice(at * room, (at + 1) * room);
    return (at + 1) * room < text.length ? `${part}\\` : part;
  });
}
