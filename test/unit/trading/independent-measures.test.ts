import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compareWith } from '../../../src/trading/views/measures/benchmark.ts';
import { contributionsOf } from '../../../src/trading/views/measures/contribution.ts';
import { calmar, maximumDrawdown } from '../../../src/trading/views/measures/drawdown.ts';
import { drawdownEpisodes } from '../../../src/trading/views/measures/drawdown-episodes.ts';
import { isUndefined } from '../../../src/trading/views/measures/measure.ts';
import {
  cagr,
  dailyReturns,
  timeWeightedReturn,
  wealthIndex,
} from '../../../src/trading/views/measures/returns.ts';
import {
  conditionalValueAtRisk95,
  sharpe,
  sortino,
  valueAtRisk95,
  volatility,
} from '../../../src/trading/views/measures/risk.ts';
import { xirr } from '../../../src/trading/views/measures/xirr.ts';

// Against empyrical, pyxirr and numpy: test/support/measures-fixture.py made the figures, and names
// the places where a convention is this project's own (Sortino's threshold, the annualised
// information ratio).

const lines = readFileSync(resolve(import.meta.dirname, '../../fixtures/measures.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

type Figures = { readonly [name: string]: number | null };

function rows<Row>(kind: string): readonly Row[] {
  const found = lines.flatMap((line) => (kind in line ? [line[kind] as Row] : []));
  if (found.length === 0) throw new Error(`the fixture has no ${kind}`);
  return found;
}

/** null where it is undefined. */
function numberOf(measure: object): number | null {
  return isUndefined(measure) ? null : (measure as { value: number }).value;
}

/** To 1e-9; what is next to nothing is so by the rounding of doubles. */
function expectClose(name: string, actual: number | null, expected: number | null): void {
  const isClose =
    actual !== null &&
    expected !== null &&
    Math.abs(actual - expected) <= 1e-9 * Math.abs(expected) + 1e-14;
  if (!isClose) expect([name, actual]).toEqual([name, expected]);
}

function expectFigures(actual: { readonly [name: string]: object }, expected: Figures): void {
  for (const [name, value] of Object.entries(expected)) {
    expectClose(name, numberOf(actual[name] as object), value);
  }
}

const dayMs = 86_400_000;
const dateOf = (at: number) =>
  new Date(Date.parse('2021-01-01') + at * dayMs).toISOString().slice(0, 10);

type Series = {
  readonly name: string;
  readonly annualisation: number;
  readonly riskFree: number;
  readonly returns: readonly number[];
  readonly benchmark: readonly number[];
  readonly measures: Figures;
  readonly comparison: Figures;
  readonly episodes: readonly object[];
};

describe.each(rows<Series>('series'))('series: $name', (series) => {
  const { returns, benchmark, annualisation } = series;
  const riskFree = (1 + series.riskFree) ** (1 / annualisation) - 1;
  const dated = returns.map((value, at) => ({ date: dateOf(at + 1), value }));
  const wealth = wealthIndex(dateOf(0), dated);

  test('returns and risk', () => {
    const growth = cagr(returns, annualisation);
    const drawdown = maximumDrawdown(wealth);
    const actual = {
      timeWeightedReturn: timeWeightedReturn(returns),
      cagr: growth,
      volatility: volatility(returns, annualisation),
      sharpe: sharpe(returns, annualisation, riskFree),
      sortino: sortino(returns, annualisation, riskFree),
      maximumDrawdown: drawdown,
      calmar: calmar(growth, drawdown),
      valueAtRisk95: valueAtRisk95(returns),
      conditionalValueAtRisk95: conditionalValueAtRisk95(returns),
    };
    expect(Object.keys(series.measures)).toHaveLength(returns.length === 0 ? 0 : 9);
    expectFigures(actual, series.measures);
    if (returns.length === 0)
      expect(Object.values(actual).map(numberOf)).toEqual(Array(9).fill(null));
  });

  test('comparison with a benchmark', () => {
    const pairs = returns.map((own, at) => ({ own, benchmark: benchmark[at] as number }));
    const actual = compareWith(pairs, annualisation, riskFree);
    expect(Object.keys(series.comparison)).toHaveLength(returns.length < 2 ? 0 : 6);
    expectFigures(actual, series.comparison);
    if (returns.length < 2) {
      expect([actual.beta, actual.alpha, actual.correlation].map(numberOf)).toEqual([
        null,
        null,
        null,
      ]);
    }
  });

  test('episodes of drawdown', () => {
    const actual = drawdownEpisodes(wealth);
    expect(actual).toHaveLength(series.episodes.length);
    for (const [at, { depth, ...rest }] of actual.entries()) {
      const { depth: expected, ...others } = series.episodes[at] as { depth: number };
      expect(rest).toEqual(others);
      expectClose('depth', depth, expected);
    }
    const deepest = Math.min(0, ...actual.map(({ depth }) => depth));
    if (returns.length > 0) expectClose('deepest', deepest, numberOf(maximumDrawdown(wealth)));
  });
});

type Flows = {
  readonly flows: readonly (readonly [string, number])[];
  readonly xirr: number | null;
};

test('money-weighted returns', () => {
  for (const [at, { flows, xirr: expected }] of rows<Flows>('flows').entries()) {
    const found = xirr(flows.map(([date, amount]) => ({ date, amount })));
    expectClose(`flows ${at}`, numberOf(found), expected);
  }
});

type Portfolio = {
  readonly initialValue: number;
  readonly days: readonly (readonly [value: number, deposits: number, withdrawals: number])[];
  readonly timeWeightedReturn: number;
  readonly gains: readonly (readonly number[])[];
  readonly contributions: readonly number[];
};

describe.each(rows<Portfolio>('portfolio'))('a portfolio with deposits and withdrawals', (row) => {
  test('time-weighted return', () => {
    const days = row.days.map(([value, deposits, withdrawals], at) => {
      return { date: dateOf(at), value, deposits, withdrawals };
    });
    const found = dailyReturns(row.initialValue, days);
    if (isUndefined(found)) throw new Error(found.undefined);
    const actual = timeWeightedReturn(found.returns.map(({ value }) => value));
    expectClose('TWR', numberOf(actual), row.timeWeightedReturn);
  });

  test('contributions of assets, which add up to it', () => {
    let before = row.initialValue;
    const days = row.gains.map((gains, at) => {
      const [value = 0, deposits = 0] = row.days[at] ?? [];
      const capital = before + deposits;
      before = value;
      return { capital, gains: new Map(gains.map((gain, asset) => [`A${asset}`, gain])) };
    });
    const assets = row.contributions.map((_, asset) => `A${asset}`);
    const found = contributionsOf(days, assets);
    let sum = 0;
    for (const [asset, expected] of row.contributions.entries()) {
      const actual = numberOf(found.get(`A${asset}`) as object);
      expectClose(`A${asset}`, actual, expected);
      sum += actual ?? Number.NaN;
    }
    expectClose('sum', sum, row.timeWeightedReturn);
  });
});
