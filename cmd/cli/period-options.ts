import type { Command } from 'commander';
import { dayArgument } from './arguments.ts';

export type PeriodOptions = { readonly from?: string; readonly to?: string };

/** `--from` and `--to`, days of which both are included. */
export function addPeriodOptions(command: Command): Command {
  return command
    .option('--from <day>', 'first day, UTC (default: of the first activity)', dayArgument)
    .option('--to <day>', 'last day (default: of the last price or activity)', dayArgument);
}
