import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Returns, those of a benchmark, and what independent implementations say of them. */
export type SeriesRow = {
  readonly name: string;
  readonly annualisation: number;
  readonly riskFree: number;
  readonly returns: readonly number[];
  readonly benchmark: readonly number[];
  readonly measures: { readonly [name: string]: number | null };
  readonly comparison: { readonly [name: string]: number | null };
};

/** The rows of a kind in the fixture that measures-fixture.py makes. */
export function fixtureRows<Row>(kind: string): readonly Row[] {
  return readFileSync(resolve(import.meta.dirname, '../fixtures/measures.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .flatMap((line) => (kind in line ? [line[kind] as Row] : []));
}
