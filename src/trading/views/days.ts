// Days of the calendar as numbers: days since 1970-01-01 (UTC). Pure integer arithmetic, after
// Howard Hinnant's "chrono-compatible low-level date algorithms".

export type Bucket = 'day' | 'week' | 'month';

type Civil = { readonly year: number; readonly month: number; readonly day: number };

export const secondsPerDay = 86_400;
export const millisecondsPerDay = 86_400_000;

const form = /^(\d{4})-(\d{2})-(\d{2})$/;
const daysPerEra = 146_097;
/** From 0000-03-01, where an era of 400 years begins, to 1970-01-01. */
const eraOffset = 719_468;

function dayOfCivil({ year, month, day }: Civil): number {
  // Years begin in March, so that the day of a leap year comes last.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * daysPerEra + yearOfEra * 365 + leaps + dayOfYear - eraOffset;
}

function civilOf(dayNumber: number): Civil {
  const z = dayNumber + eraOffset;
  const era = Math.floor(z / daysPerEra);
  const dayOfEra = z - era * daysPerEra;
  const leaps =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const before = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - before;
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** The day of "YYYY-MM-DD"; undefined for another form and for a day that does not exist. */
export function dayOf(text: string): number | undefined {
  const [, year, month, day] = form.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (month < 1 || month > 12) return undefined;
  const found = dayOfCivil({ year, month, day });
  return dayText(found) === text ? found : undefined;
}

/** "YYYY-MM-DD", of the years 0 to 9999. */
export function dayText(day: number): string {
  const civil = civilOf(day);
  return `${monthTextOf(civil)}-${String(civil.day).padStart(2, '0')}`;
}

/** "YYYY-MM" of the month that the day is in. */
export function monthText(day: number): string {
  return monthTextOf(civilOf(day));
}

function monthTextOf({ year, month }: Civil): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`;
}

export function yearOf(day: number): number {
  return civilOf(day).year;
}

/** The first day of the year, quarter, month, ISO week (Monday), or the day itself. */
export function startOf(bucket: Bucket | 'quarter' | 'year', day: number): number {
  switch (bucket) {
    case 'day':
      return day;
    case 'week': {
      // 1970-01-01 was a Thursday.
      const weekday = (((day + 3) % 7) + 7) % 7;
      return day - weekday;
    }
    case 'month':
      return dayOfCivil({ ...civilOf(day), day: 1 });
    case 'quarter': {
      const { year, month } = civilOf(day);
      return dayOfCivil({ year, month: month - ((month - 1) % 3), day: 1 });
    }
    case 'year':
      return dayOfCivil({ year: yearOf(day), month: 1, day: 1 });
  }
}
