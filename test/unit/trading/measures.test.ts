import { describe, expect, test } from '@jest/globals';
import { calmar, maximumDrawdown } from '../../../src/trading/views/measures/drawdown.ts';
import {
  type DatedValue,
  isUndefined,
  measureOf,
  method,
} from '../../../src/trading/views/measures/measure.ts';
import {
  cagr,
  type DayValuation,
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
import { sharedData } from '../../support/shared-data.ts';

/** The value of a measure that is expected to have one. */
function figure(measure: object): number {
  if (isUndefined(measure)) throw new Error(`undefined: ${measure.undefined}`);
  return (measure as { value: number }).value;
}

function expectClose(actual: number, expected: number, relative = 1e-9): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
}

const quiet = (date: string, value: number): DayValuation => ({
  date,
  value,
  deposits: 0,
  withdrawals: 0,
});

function returnsOf(initialValue: number, days: readonly DayValuation[]): readonly DatedValue[] {
  const result = dailyReturns(initialValue, days);
  if (isUndefined(result)) throw new Error(`undefined: ${result.undefined}`);
  return result.returns;
}

describe('BTC-USD bought and held from 2016-01-01 to 2017-12-31', () => {
  const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
  const closes = sharedData('market/btcusd-daily.csv')
    .trim()
    .split('\n')
    .map((line) => line.split(','))
    .map(([day = '', , , , close = '']) =>
      quiet(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}`, Number(close)),
    )
    .filter(({ date }) => date >= '2016-01-01' && date <= '2017-12-31');
  const [first, ...rest] = closes as [DayValuation, ...DayValuation[]];
  const dated = returnsOf(first.value, rest);
  const returns = dated.map(({ value }) => value);
  const drawdown = maximumDrawdown(wealthIndex(first.date, dated));

  test('the closes are those of the figures', () => {
    expect([closes.length, returns.length]).toEqual([oracle.n_prices, oracle.n_returns]);
    expect([first.value, rest.at(-1)?.value]).toEqual([oracle.first, oracle.last]);
    expect(returns.filter((value) => value > 0)).toHaveLength(oracle.positive_days);
  });

  test.each([
    ['cum_return', () => timeWeightedReturn(returns)],
    ['cagr', () => cagr(returns, 365)],
    ['annual_volatility', () => volatility(returns, 365)],
    ['sharpe', () => sharpe(returns, 365)],
    ['sortino', () => sortino(returns, 365)],
    ['max_drawdown', () => drawdown],
    ['calmar', () => calmar(cagr(returns, 365), drawdown)],
    ['var_95', () => valueAtRisk95(returns)],
    ['cvar_95', () => conditionalValueAtRisk95(returns)],
  ])('%s', (name, measure) => expectClose(figure(measure()), oracle[name]));

  test('the drawdown has its dates', () => {
    expect(drawdown).toMatchObject({ peakDate: oracle.mdd_peak, troughDate: oracle.mdd_trough });
    const peak = closes.find(({ date }) => date === oracle.mdd_peak)?.value ?? Number.NaN;
    const recovery = closes.find(
      ({ date, value }) => date > oracle.mdd_trough && value >= peak,
    )?.date;
    expect(drawdown).toHaveProperty('recoveryDate', recovery);
  });

  test('the drawdown of the closes is that of the index', () => {
    const ofCloses = maximumDrawdown(closes);
    expectClose(figure(ofCloses), figure(drawdown), 1e-12);
  });

  test.each(Object.entries<number>(oracle.monthly_returns))('return of %s', (month, expected) => {
    const inMonth = dated.filter(({ date }) => date.startsWith(month)).map(({ value }) => value);
    expectClose(figure(timeWeightedReturn(inMonth)), expected);
  });
});

describe('a portfolio with deposits and withdrawals', () => {
  const oracle = JSON.parse(sharedData('oracles/twr-case.json')) as {
    tolerance: number;
    flows: [date: string, kind: 'deposit' | 'withdraw' | 'gain' | 'fee', amount: string][];
    dates: string[];
    daily: string[];
    accumulated: string[];
    endValue: string;
  };
  let value = 0;
  const days = oracle.dates.map((date) => {
    const total = (kind: string) =>
      oracle.flows
        .filter((flow) => flow[0] === date && flow[1] === kind)
        .reduce((sum, flow) => sum + Number(flow[2]), 0);
    const [deposits, withdrawals] = [total('deposit'), total('withdraw')];
    value += deposits + total('gain') - total('fee') - withdrawals;
    return { date, value, deposits, withdrawals };
  });
  const returns = returnsOf(0, days);

  test('the valuations are those of the figures', () => {
    expect(value).toBeCloseTo(Number(oracle.endValue), 9);
    expect(returns.map(({ date }) => date)).toEqual(oracle.dates);
  });

  test('daily and accumulated returns', () => {
    for (const [at, { value: daily }] of returns.entries()) {
      const soFar = returns.slice(0, at + 1).map((day) => day.value);
      const accumulated = figure(timeWeightedReturn(soFar));
      expect(Math.abs(daily - Number(oracle.daily[at]))).toBeLessThan(oracle.tolerance);
      expect(Math.abs(accumulated - Number(oracle.accumulated[at]))).toBeLessThan(oracle.tolerance);
    }
  });
});

describe('daily returns', () => {
  test('days without any capital have none, and are left out', () => {
    const days = [
      quiet('2024-01-01', 0),
      { date: '2024-01-02', value: 110, deposits: 100, withdrawals: 0 },
      { date: '2024-01-03', value: 0, deposits: 0, withdrawals: 121 },
      quiet('2024-01-04', 0),
    ];
    const returns = returnsOf(0, days);
    expect(returns.map(({ date }) => date)).toEqual(['2024-01-02', '2024-01-03']);
    expectClose(figure(timeWeightedReturn(returns.map(({ value }) => value))), 0.21);
  });

  test('a gain out of nothing is undefined, with its day', () => {
    expect(dailyReturns(0, [quiet('2024-01-01', 0), quiet('2024-01-02', 5)])).toEqual({
      method: method.dailyReturn,
      undefined: 'NO_CAPITAL',
      date: '2024-01-02',
    });
  });
});

describe('drawdown', () => {
  const series = (...values: number[]) =>
    values.map((value, at) => ({ date: `2024-01-${`${at + 1}`.padStart(2, '0')}`, value }));

  test('starts at the initial value, and lasts until the peak is reached again', () => {
    expect(maximumDrawdown(series(100, 80, 90, 100, 60, 99))).toEqual({
      method: method.maximumDrawdown,
      value: -0.4,
      peakDate: '2024-01-04',
      troughDate: '2024-01-05',
    });
    expect(maximumDrawdown(series(100, 80, 90, 100, 99))).toMatchObject({
      peakDate: '2024-01-01',
      troughDate: '2024-01-02',
      recoveryDate: '2024-01-04',
    });
  });

  test('of a value that never fell is zero and has no dates', () => {
    const none = maximumDrawdown(series(100, 100, 101));
    expect(none).toEqual({ method: method.maximumDrawdown, value: 0 });
    expect(calmar(measureOf(method.cagr, 1), none)).toEqual({
      method: method.calmar,
      undefined: 'NO_DRAWDOWN',
    });
  });

  test('down to nothing is the whole', () => {
    expect(maximumDrawdown(series(100, 0, 0))).toMatchObject({ value: -1 });
  });
});

describe('undefined measures have a reason and no value', () => {
  const constant = returnsOf(
    100,
    Array.from({ length: 50 }, (_, day) => quiet(`day ${day}`, 100 * 1.01 ** (day + 1))),
  ).map(({ value }) => value);
  const fall = maximumDrawdown([
    { date: '2024-01-01', value: 2 },
    { date: '2024-01-02', value: 1 },
  ]);

  test.each([
    ['TWR of no returns', timeWeightedReturn([]), 'NO_RETURNS'],
    ['CAGR of no returns', cagr([], 365), 'NO_RETURNS'],
    ['volatility of no returns', volatility([], 365), 'NO_RETURNS'],
    ['Sharpe of no returns', sharpe([], 365), 'NO_RETURNS'],
    ['Sortino of no returns', sortino([], 365), 'NO_RETURNS'],
    ['VaR of no returns', valueAtRisk95([]), 'NO_RETURNS'],
    ['CVaR of no returns', conditionalValueAtRisk95([]), 'NO_RETURNS'],
    ['drawdown of one value', maximumDrawdown([{ date: '2024-01-01', value: 1 }]), 'NO_RETURNS'],
    ['volatility of one return', volatility([0.1], 365), 'SINGLE_RETURN'],
    ['Sharpe of one return', sharpe([0.1], 365), 'SINGLE_RETURN'],
    ['Sharpe of equal returns, but for rounding', sharpe(constant, 365), 'NO_VARIANCE'],
    ['Sortino without losses', sortino([0.1, 0, 0.2], 365), 'NO_DOWNSIDE'],
    ['CAGR of a value under zero', cagr([-1.5], 365), 'NEGATIVE_WEALTH'],
    ['CAGR past all doubles', cagr([1e10], 365), 'NOT_FINITE'],
    ['Calmar without CAGR', calmar(cagr([], 365), fall), 'NO_RETURNS'],
    [
      'drawdown from nothing',
      maximumDrawdown([
        { date: '2024-01-01', value: 0 },
        { date: '2024-01-02', value: 1 },
      ]),
      'NO_CAPITAL',
    ],
    [
      'drawdown of no number',
      maximumDrawdown([
        { date: '2024-01-01', value: 1 },
        { date: '2024-01-02', value: Number.NaN },
      ]),
      'NOT_FINITE',
    ],
  ])('%s', (_name, measure, reason) => {
    expect(measure).toEqual({ method: measure.method, undefined: reason });
    expect(Object.values<string>(method)).toContain(measure.method);
  });

  test('and those that can be told are told', () => {
    expect(figure(cagr([-1], 365))).toBe(-1);
    expect(figure(volatility([0.1, 0.1], 365))).toBe(0);
    expect(figure(valueAtRisk95([0.1]))).toBe(0.1);
    expect(figure(conditionalValueAtRisk95([0.1, -0.1]))).toBe(-0.1);
  });
});

test('the return without risk lowers the mean of Sharpe and Sortino', () => {
  const returns = [0.02, -0.01, 0.03, 0];
  expectClose(figure(sharpe(returns, 252, 0.005)), figure(sharpe(returns, 252)) / 2);
  const [mean, downside] = [0.01, Math.sqrt(0.01 ** 2 / 4)];
  expectClose(figure(sortino(returns, 252)), (mean * 252) / (downside * Math.sqrt(252)));
  expectClose(
    figure(sortino(returns, 252, 0.005)),
    ((mean - 0.005) * 252) / (downside * Math.sqrt(252)),
  );
});
