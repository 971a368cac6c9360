import { oneLine } from './text.ts';

const levels: { readonly [level: number]: string } = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

type LogLine = {
  readonly level?: unknown;
  readonly name?: unknown;
  readonly msg?: unknown;
  readonly err?: { readonly message?: unknown };
};

/** A line of a server's structured log for a person: who, how bad, what. Other lines stay. */
export function readableLog(line: string): string {
  let parsed: LogLine | null;
  try {
    parsed = JSON.parse(line);
  } catch {
    return oneLine(line);
  }
  if (typeof parsed?.msg !== 'string') return oneLine(line);
  const { name, level, msg, err } = parsed;
  const cause = typeof err?.message === 'string' ? `: ${err.message}` : '';
  return oneLine(`${name} ${levels[Number(level)] ?? level}: ${msg}${cause}`);
}
