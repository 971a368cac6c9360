import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  appended,
  entriesOf,
  entryAt,
  inserted,
  lastBefore,
  noPages,
  type Pages,
  sizeOf,
  withEntryAt,
} from '../../../../src/trading/views/lots/pages.ts';

type Step = {
  readonly kind: 'append' | 'insert' | 'remove' | 'replace';
  readonly end: 'first' | 'last';
  readonly count: number;
  readonly value: number;
};

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('append', 'insert', 'remove', 'replace'),
    end: fc.constantFrom('first', 'last'),
    count: fc.integer({ min: 1, max: 150 }),
    value: fc.integer({ min: 0, max: 40 }),
  }),
  { maxLength: 12 },
);

/** The same in an array. */
function inArray(entries: string[], step: Step, entry: string): void {
  const at = step.end === 'first' ? 0 : entries.length - 1;
  if (step.kind === 'append') entries.push(entry);
  else if (step.kind === 'insert') {
    const behind = entries.findIndex((other) => other > entry);
    entries.splice(behind < 0 ? entries.length : behind, 0, entry);
  } else if (entries.length === 0) return;
  else if (step.kind === 'remove') entries.splice(at, 1);
  else entries[at] = `${entries[at]}`;
}

function inPages(pages: Pages, step: Step, entry: string): Pages {
  if (step.kind === 'append') return appended(pages, entry);
  if (step.kind === 'insert') return inserted(pages, entry, (other) => other > entry);
  const there = entryAt(pages, step.end);
  if (there === undefined) return pages;
  return withEntryAt(pages, step.end, step.kind === 'remove' ? undefined : there);
}

describe('pages', () => {
  test('hold what an array holds, and none of them is empty or long', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let pages = noPages;
        const entries: string[] = [];
        for (const step of all) {
          for (let n = 0; n < step.count; n += 1) {
            // Appended behind all: an insertion needs them in order.
            const last = Number.parseInt(entries.at(-1) ?? '0', 36);
            const value = step.value + (step.kind === 'append' ? last : n);
            const entry = value.toString(36).padStart(6, '0');
            const before = JSON.stringify(pages);
            const next = inPages(pages, step, entry);
            expect(JSON.stringify(pages)).toBe(before);
            pages = next;
            inArray(entries, step, entry);
          }
          expect(entriesOf(pages)).toEqual(entries);
          expect(sizeOf(pages)).toBe(entries.length);
          expect(entryAt(pages, 'first')).toBe(entries[0]);
          expect(entryAt(pages, 'last')).toBe(entries.at(-1));
          expect(pages.filter(({ length }) => length === 0 || length > 128)).toEqual([]);
        }
        for (const border of ['000000', '000005', '00000z', '0000zz']) {
          const expected = entries.findLast((entry) => entry <= border);
          expect(lastBefore(pages, (entry) => entry > border)).toBe(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});
