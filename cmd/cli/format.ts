import type { DescEnum } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * `90s`, `15m`, `24h`, `7d`, `500ms`, or several of them: `1h30m`. Undefined where the text is none,
 * or is longer than ten years.
 */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    sum += Number(count) * units[unit as keyof typeof units];
  }
  return sum <= 3650 * units.d ? sum : undefined;
}

/** `1.5s`, `12s`, `3m5s`, `2h10m`. Empty for what is no length of time. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '';
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${whole % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** `1,234,567`. */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** UTC, to the second: `2026-01-31 23:59:59`. Empty where there is no time. */
export function formatTime(time: Timestamp | undefined): string {
  if (time === undefined) return '';
  return timestampDate(time).toISOString().slice(0, 19).replace('T', ' ');
}

/** As short as it is clear, UTC: the time of today, day and time of this year, else the date. */
export function formatShortTime(time: Timestamp | undefined, now: Date): string {
  const text = formatTime(time);
  const today = now.toISOString();
  if (text.slice(0, 10) === today.slice(0, 10)) return text.slice(11);
  return text.slice(0, 4) === today.slice(0, 4) ? text.slice(5, 16) : text.slice(0, 10);
}

/** Seconds since 1970: `2014-12-01`, with the time of day where it is not midnight. */
export function formatStart(seconds: number): string {
  const text = new Date(seconds * 1000).toISOString();
  return text.slice(11, 19) === '00:00:00'
    ? text.slice(0, 10)
    : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}

/** The name behind the package: `StrategyCreated`. */
export function shortType(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

/** The name of an enum's value without what all of them begin with: `crosses_above`. */
export function enumLabel({ value, sharedPrefix = '' }: DescEnum, number: number): string {
  const name = value[number]?.name;
  return name === undefined ? String(number) : name.slice(sharedPrefix.length).toLowerCase();
}

/** A statistic as per cent, with a sign of its own kind: `-36.2523 %`. */
export function formatPercent(fraction: number): string {
  return `${(fraction * 100).toFixed(4)} %`;
}

/** As many as an amount comes with; products may have twice as many. */
const mostDecimals = 18;

/**
 * An amount to be read: commas, and two decimals at least; where it has more than 18, an ellipsis
 * says so. `-` where there is none.
 */
export function formatAmount(text: string | undefined): string {
  return amountWith(() => mostDecimals, text);
}

/** The same for a column among others: the larger an amount, the fewer of its decimals count. */
export function formatShortAmount(text: string | undefined): string {
  return amountWith((whole) => (whole.length > 2 ? 4 : whole === '0' ? 8 : 6), text);
}

function amountWith(decimalsOf: (whole: string) => number, text: string | undefined): string {
  if (text === undefined) return '-';
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '') return text;
  const most = decimalsOf(whole);
  const isLong = fraction.length > most;
  const decimals = isLong ? `${fraction.slice(0, most)}…` : fraction.padEnd(2, '0');
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${decimals}`;
}
