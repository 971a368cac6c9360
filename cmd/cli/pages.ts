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
  output.note(`There are more: --limit for a longer page, or --cursor '${page.nextCursor}'`);
}
