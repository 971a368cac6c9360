import { create, equals } from '@bufbuild/protobuf';
import {
  Indicator,
  IndicatorSchema,
  type IndicatorTerm,
  RuleAction,
  type TradingRule,
  TradingRuleSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { decimal, toText } from '../../kernel/decimal.ts';
import { type Rejection, rejectField } from '../../kernel/rejection.ts';

/** The rules as they are stored: thresholds in canonical text. */
export function canonicalRules(rules: readonly TradingRule[]): readonly TradingRule[] {
  return rules.map((rule) => {
    const { against } = rule;
    if (against.case !== 'threshold') return rule;
    const value = toText(decimal(against.value));
    return create(TradingRuleSchema, { ...rule, against: { case: 'threshold', value } });
  });
}

export function sameRules(a: readonly TradingRule[], b: readonly TradingRule[]): boolean {
  return (
    a.length === b.length &&
    a.every((rule, index) => equals(TradingRuleSchema, rule, b[index] as TradingRule))
  );
}

/** What is wrong with the rules of a strategy, or undefined. */
export function refuseRules(rules: readonly TradingRule[]): Rejection | undefined {
  for (const [index, rule] of rules.entries()) {
    const refusal = refuseRule(`rules[${index}]`, rule);
    if (refusal !== undefined) return refusal;
  }
  if (rules.some((rule) => rule.action === RuleAction.ENTER_LONG)) return undefined;
  const none = rules.length === 0 ? 'there are no rules' : `none of ${rules.length} rules enters`;
  const message = `${none}; a strategy needs one with the action ENTER_LONG`;
  return rejectField('ENTRY_RULE_MISSING', 'rules', message);
}

function refuseRule(path: string, rule: TradingRule): Rejection | undefined {
  const { indicator, against } = rule;
  const first = indicator && refuseTerm(`${path}.indicator`, indicator);
  if (first !== undefined || against.case !== 'secondIndicator') return first;
  const second = `${path}.second_indicator`;
  const refusal = refuseTerm(second, against.value);
  if (refusal !== undefined) return refusal;
  // Nothing is above, below or across itself: such a rule would never act.
  if (indicator === undefined || !sameSeries(indicator, against.value)) return undefined;
  const message = `${second} is the indicator ${nameOf(indicator)} itself; it needs another one`;
  return rejectField('RULE_AGAINST_ITSELF', second, message);
}

function refuseTerm(path: string, term: IndicatorTerm): Rejection | undefined {
  if (term.window >= 1 || !windowed.has(term.indicator)) return undefined;
  const message = `${path}.window is ${term.window}; ${nameOf(term)} needs a window of at least 1`;
  return rejectField('INDICATOR_WINDOW_MISSING', `${path}.window`, message);
}

/** MACD without a window is the usual one of 12, 26 and 9 candles. */
const windowed: ReadonlySet<Indicator> = new Set([
  Indicator.SMA,
  Indicator.EMA,
  Indicator.RSI,
  Indicator.BOLLINGER,
]);

function sameSeries(a: IndicatorTerm, b: IndicatorTerm): boolean {
  if (a.indicator !== b.indicator) return false;
  const windowCounts = a.indicator !== Indicator.PRICE && a.indicator !== Indicator.VOLUME;
  return !windowCounts || a.window === b.window;
}

function nameOf(term: IndicatorTerm): string {
  return IndicatorSchema.value[term.indicator]?.localName ?? String(term.indicator);
}
