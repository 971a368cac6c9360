import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Comparator,
  Indicator,
  RuleAction,
  type TradingRule,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { createRuleEvaluator, warmUpOfRules } from '../../../../src/trading/model/rules.ts';
import { tradingRule as rule } from '../../../support/trading-rules.ts';

const { PRICE, SMA, EMA, RSI } = Indicator;
const { ABOVE, BELOW, CROSSES_ABOVE, CROSSES_BELOW } = Comparator;
const { ENTER_LONG, EXIT_LONG } = RuleAction;

const says = (rules: readonly TradingRule[], closes: readonly number[]) => {
  const evaluator = createRuleEvaluator(rules);
  return closes
    .map((close) => evaluator.next({ close, volume: 1 }))
    .map(({ isWarm, enter, exit }) => (isWarm ? (enter ? 'in' : exit ? 'out' : '-') : '?'))
    .join(' ');
};

describe('Rules on closed candles', () => {
  test('ABOVE and BELOW hold at every candle, never at equality', () => {
    const rules = [
      rule([PRICE, 0], ABOVE, '10', ENTER_LONG),
      rule([PRICE, 0], BELOW, '10', EXIT_LONG),
    ];
    expect(says(rules, [9, 10, 11, 12, 10, 9, 8])).toBe('out - in in - out out');
  });

  test('a crossing holds where the sides change, also by way of equality', () => {
    const rules = [
      rule([PRICE, 0], CROSSES_ABOVE, '10', ENTER_LONG),
      rule([PRICE, 0], CROSSES_BELOW, '10', EXIT_LONG),
    ];
    expect(says(rules, [9, 11, 12, 10, 9, 10, 11, 9])).toBe('? in - - out - in out');
  });

  test('nothing is said until all indicators have values, and a crossing two', () => {
    const rules = [
      rule([SMA, 2], CROSSES_ABOVE, [SMA, 3], ENTER_LONG),
      rule([SMA, 2], CROSSES_BELOW, [SMA, 3], EXIT_LONG),
    ];
    expect(warmUpOfRules(rules)).toBe(4);
    // SMA(2) from the second on: 2 1.5 2 4 4.5 2.5; SMA(3) from the third: 2 1.67 3.33 3.67 3.67
    expect(says(rules, [3, 1, 2, 2, 6, 3, 2])).toBe('? ? ? in - - out');
  });

  test('a rule is enough to enter; what says both exits', () => {
    const rules = [
      rule([PRICE, 0], ABOVE, '10', ENTER_LONG),
      rule([PRICE, 0], ABOVE, '20', ENTER_LONG),
      rule([PRICE, 0], ABOVE, '15', EXIT_LONG),
    ];
    expect(says(rules, [9, 11, 16, 21])).toBe('- in out out');
    const evaluator = createRuleEvaluator(rules);
    expect(evaluator.next({ close: 21, volume: 1 }).holding).toEqual([0, 1, 2]);
  });

  test('an evaluator goes on from its memory as if it had been there all along', () => {
    const rules = [
      rule([EMA, 2], CROSSES_ABOVE, [EMA, 3], ENTER_LONG),
      rule([RSI, 2], CROSSES_BELOW, '40', EXIT_LONG),
      rule([PRICE, 0], BELOW, [Indicator.BOLLINGER, 3], EXIT_LONG),
    ];
    const walk = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 300, maxLength: 900 });
    fc.assert(
      fc.property(walk, fc.nat({ max: 250 }), (closes, cut) => {
        const candles = closes.map((close) => ({ close, volume: 1 }));
        const whole = createRuleEvaluator(rules);
        const all = candles.map((candle) => whole.next(candle));
        let part = createRuleEvaluator(rules);
        const parts = candles.map((candle, at) => {
          if (at % (cut + 1) === cut) {
            part = createRuleEvaluator(rules, JSON.parse(JSON.stringify(part.memory())));
          }
          return part.next(candle);
        });
        expect(parts).toEqual(all);
        expect(part.memory().length).toBeLessThanOrEqual(2 * (2 + 40 * 4));
      }),
      { numRuns: 30 },
    );
  });

  test('what the memory forgets makes no difference that anybody could see', () => {
    const rules = [rule([EMA, 3], CROSSES_ABOVE, [RSI, 2], ENTER_LONG)];
    const closes = Array.from({ length: 2000 }, (_, at) => 50 + 40 * Math.sin(at * at));
    const bounded = createRuleEvaluator(rules);
    const fresh = closes.slice(-500).map((close) => ({ close, volume: 1 }));
    const all = closes.map((close) => bounded.next({ close, volume: 1 }));
    const late = createRuleEvaluator(rules);
    const last = fresh.map((candle) => late.next(candle));
    expect(all.slice(-300)).toEqual(last.slice(-300));
    expect(last.filter(({ enter }) => enter).length).toBeGreaterThan(10);
  });
});
