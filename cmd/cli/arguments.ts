import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { InvalidArgumentError } from 'commander';
import { parseDurationMs } from './format.ts';

// Readers of option values. What they throw, commander tells with the name of the option.

export function durationArgument(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms === 0) {
    throw new InvalidArgumentError('A duration is like 90s, 15m, 24h or 7d.');
  }
  return ms;
}

export function nameArgument(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It has to be more than blanks.');
  return text;
}

export function urlArgument(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('An address is like http://127.0.0.1:8051.');
  }
  return text.replace(/\/+$/, '');
}

export function countArgument(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('It has to be a whole number from 1.');
  return count;
}

export function uuidArgument(text: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) {
    throw new InvalidArgumentError('It has to be a UUID.');
  }
  return text.toLowerCase();
}

export function dayArgument(text: string): string {
  const day = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) {
    throw new InvalidArgumentError('A day is like 2016-01-31.');
  }
  return text;
}

/** A day or a time, UTC where no zone is named. */
export function timeArgument(text: string): Timestamp {
  const zoned = /^\d{4}-\d\d-\d\d$|Z$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(zoned.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError('A time is like 2016-01-31 or 2016-01-31T12:00:00Z.');
  }
  return timestampFromMs(ms);
}

/** For options that may be given more than once. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
