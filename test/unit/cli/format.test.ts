import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  countArgument,
  dayArgument,
  durationArgument,
  nameArgument,
  timeArgument,
  urlArgument,
  uuidArgument,
} from '../../../cmd/cli/arguments.ts';
import {
  enumLabel,
  formatAmount,
  formatCount,
  formatSeconds,
  formatShortAmount,
  formatShortTime,
  parseDurationMs,
} from '../../../cmd/cli/format.ts';
import { progressLine } from '../../../cmd/cli/progress.ts';
import { readableLog } from '../../../cmd/cli/server-log.ts';
import { StrategyStatusSchema } from '../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
  ])('%s', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  test.each(['', '5', 'h', '1.5h', '-1h', '1 h', '1w', '4000d', '999999999999h'])(
    '%j is none',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );

  test.each([
    [0.04, '0.0s'],
    [12.4, '12s'],
    [185, '3m5s'],
    [7900, '2h11m'],
    [Number.NaN, ''],
  ])('%d seconds are written %j', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});

describe('values of options', () => {
  test('what is taken', () => {
    expect(durationArgument('2m')).toBe(120_000);
    expect(urlArgument('http://localhost:8051/')).toBe('http://localhost:8051');
    expect(countArgument('12')).toBe(12);
    expect(dayArgument('2016-02-29')).toBe('2016-02-29');
    expect(uuidArgument('018F6F3E-0000-7000-8000-000000000001')).toBe(
      '018f6f3e-0000-7000-8000-000000000001',
    );
    expect(timeArgument('2016-01-31')).toEqual(timestampFromMs(Date.UTC(2016, 0, 31)));
    expect(timeArgument('2016-01-31 12:00')).toEqual(timestampFromMs(Date.UTC(2016, 0, 31, 12)));
    expect(timeArgument('2016-01-31T12:00:00+02:00')).toEqual(
      timestampFromMs(Date.UTC(2016, 0, 31, 10)),
    );
  });

  test.each([
    [durationArgument, '0s'],
    [urlArgument, 'localhost:8051'],
    [countArgument, '0'],
    [countArgument, '1.5'],
    [dayArgument, '2015-02-29'],
    [uuidArgument, '7'],
    [nameArgument, ' '],
    [timeArgument, 'noon'],
  ])('%p refuses %j', (read, text) => expect(() => read(text)).toThrow());
});

test('amounts are for reading', () => {
  expect(formatAmount(`-1.${'3'.repeat(36)}`)).toBe(`-1.${'3'.repeat(18)}…`);
  expect(formatAmount('1234567.5')).toBe('1,234,567.50');
  expect(formatAmount('-0.00000001')).toBe('-0.00000001');
  expect(formatAmount(undefined)).toBe('-');
  expect(formatShortAmount('61950.2512345')).toBe('61,950.2512…');
  expect(formatShortAmount('-1.23456789')).toBe('-1.234567…');
  expect(formatShortAmount('0.00001234')).toBe('0.00001234');
  expect(formatShortAmount('0.0000123456')).toBe('0.00001234…');
  expect(formatCount(1234567n)).toBe('1,234,567');
});

test('times are as short as they are clear', () => {
  const now = new Date('2026-05-04T12:00:00Z');
  const at = (text: string) => formatShortTime(timestampFromMs(Date.parse(text)), now);
  expect(at('2026-05-04T01:02:03Z')).toBe('01:02:03');
  expect(at('2026-01-04T01:02:03Z')).toBe('01-04 01:02');
  expect(at('2025-05-04T01:02:03Z')).toBe('2025-05-04');
  expect(formatShortTime(undefined, now)).toBe('');
});

test('enum values without what they have in common', () => {
  expect(enumLabel(StrategyStatusSchema, 2)).toBe('active');
  expect(enumLabel(StrategyStatusSchema, 77)).toBe('77');
});

test('progress, with a bar for terminals', () => {
  expect(progressLine('trades', 500, 2000, '90/s', false)).toBe(
    'trades   25 %  500 of 2,000  90/s',
  );
  const bar = `${'█'.repeat(4)}${'░'.repeat(12)}`;
  expect(progressLine('trades', 500, 2000, '', true)).toBe(`trades  ${bar}   25 %  500 of 2,000`);
  expect(progressLine('none', 0, 0, '', false)).toBe('none    0 %  0 of 0');
});

test('a line of a log for a person', () => {
  const line = { level: 50, name: 'projector', msg: 'cannot read', err: { message: 'locked' } };
  expect(readableLog(JSON.stringify(line))).toBe('projector error: cannot read: locked');
  expect(readableLog('write-server: no such folder')).toBe('write-server: no such folder');
  expect(readableLog('null')).toBe('null');
});
