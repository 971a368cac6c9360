import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayOf, dayText, monthText, startOf, yearOf } from '../../../../src/trading/views/days.ts';
import { dayOfTime, millisecondsOf } from '../../../../src/trading/views/times.ts';

const dayMs = 86_400_000;
/** From the year 0 to the year 9999. */
const days = fc.integer({ min: Date.parse('0000-01-01') / dayMs, max: 2_932_896 });
const dateOf = (day: number) => new Date(day * dayMs);

describe('days since 1970', () => {
  test('are those of the calendar, to and fro', () => {
    fc.assert(
      fc.property(days, (day) => {
        const text = dateOf(day).toISOString().slice(0, 10);
        expect(dayText(day)).toBe(text);
        expect(dayOf(text)).toBe(day);
        expect(monthText(day)).toBe(text.slice(0, 7));
        expect(yearOf(day)).toBe(dateOf(day).getUTCFullYear());
      }),
      { numRuns: 2_000 },
    );
  });

  test('begin a week on Monday, a month and a year on their first day', () => {
    fc.assert(
      fc.property(days, (day) => {
        const monday = startOf('week', day);
        expect(dateOf(monday).getUTCDay()).toBe(1);
        expect(day - monday).toBeGreaterThanOrEqual(0);
        expect(day - monday).toBeLessThan(7);
        expect(dayText(startOf('month', day))).toBe(`${dayText(day).slice(0, 7)}-01`);
        expect(dayText(startOf('year', day))).toBe(`${dayText(day).slice(0, 4)}-01-01`);
        expect(startOf('day', day)).toBe(day);
      }),
    );
  });

  test.each(['2023-02-29', '1900-02-29', '2023-02-30', '2023-00-10', '2023-13-01', '2023-04-31'])(
    '%s does not exist',
    (text) => {
      expect(dayOf(text)).toBeUndefined();
    },
  );

  test.each(['2024-02-29', '2000-02-29', '0000-01-01', '9999-12-31'])('%s does', (text) => {
    expect(dayText(dayOf(text) ?? 0)).toBe(text);
  });

  test.each(['', '2023-1-1', '20230101', '2023-01-01T00:00:00Z', ' 2023-01-01'])(
    '%j is no day',
    (text) => {
      expect(dayOf(text)).toBeUndefined();
    },
  );
});

describe('times', () => {
  test('the last nanosecond of a day is in it', () => {
    const time = create(TimestampSchema, { seconds: 86_399n, nanos: 999_999_999 });
    expect(millisecondsOf(time)).toBe(86_399_999);
    expect(dayOfTime(millisecondsOf(time))).toBe(0);
  });

  test('absurd times are the nearest that there is a date of', () => {
    const far = create(TimestampSchema, { seconds: 2n ** 62n });
    expect(new Date(millisecondsOf(far)).toISOString()).toBe('+275760-09-13T00:00:00.000Z');
    const before = create(TimestampSchema, { seconds: -(2n ** 62n), nanos: -5 });
    expect(Number.isSafeInteger(millisecondsOf(before))).toBe(true);
  });
});
