import {
  Comparator,
  type IndicatorTerm,
  RuleAction,
  type TradingRule,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type IndicatorInput,
  memoryOf,
  type RunningIndicator,
  runningIndicator,
  warmUpOf,
} from './indicators.ts';

/** What the rules of a strategy say at the close of a candle. */
export type Advice = {
  /** Whether all indicators have had candles enough; nothing is said before. */
  readonly isWarm: boolean;
  readonly enter: boolean;
  readonly exit: boolean;
  /** Indices of the rules that hold. */
  readonly holding: readonly number[];
};

/** What an evaluator goes on from: plain data. */
export type Memory = readonly IndicatorInput[];

/** Changed in place: takes the candles of one series in their order. */
export type RuleEvaluator = {
  readonly next: (candle: IndicatorInput) => Advice;
  /** An evaluator that is made with this says the same of all candles to come. */
  readonly memory: () => Memory;
};

/** Where several rules say so, each does by itself. One that says both exits and does not enter. */
const silent = { enter: false, exit: false, holding: [] } as const;

/**
 * The rules on closed candles. A rule that crosses needs the values of two candles.
 *
 * Memory is bounded: when there have been twice as many candles as the indicators rest on, they are
 * fed again with the later half of them. What is said depends on the candles from the first one on,
 * and on nothing else, also when an evaluator is made anew from its memory.
 */
export function createRuleEvaluator(
  rules: readonly TradingRule[],
  memory: Memory = [],
): RuleEvaluator {
  const terms = termsOf(rules);
  const keep = memoryOfRules(rules);
  const warmUp = warmUpOfRules(rules);
  let candles: IndicatorInput[] = [];
  let running = terms.map(runningIndicator);
  let values: Values = new Map();
  let before: Values = new Map();
  let taken = 0;

  const feed = (candle: IndicatorInput) => {
    candles.push(candle);
    taken += 1;
    before = values;
    values = valuesOf(terms, running, candle);
  };
  const renew = () => {
    const last = candles.slice(-keep);
    candles = [];
    running = terms.map(runningIndicator);
    for (const candle of last) feed(candle);
  };
  for (const candle of memory) feed(candle);

  return {
    next: (candle) => {
      if (candles.length >= 2 * keep) renew();
      feed(candle);
      if (taken < warmUp) return { isWarm: false, ...silent };
      const holding = rules.flatMap((rule, at) => (holds(rule, values, before) ? [at] : []));
      const says = (action: RuleAction) => holding.some((at) => rules[at]?.action === action);
      const exit = says(RuleAction.EXIT_LONG);
      return { isWarm: true, enter: !exit && says(RuleAction.ENTER_LONG), exit, holding };
    },
    memory: () => [...candles],
  };
}

/** The candles from the first one to the first one that the rules can say something of. */
export function warmUpOfRules(rules: readonly TradingRule[]): number {
  const needs = rules.map((rule) => {
    const longest = Math.max(...termsOf([rule]).map(warmUpOf));
    return isCrossing(rule) ? longest + 1 : longest;
  });
  return Math.max(0, ...needs);
}

/** The candles that all that the rules say rests on, to the last digit of a double. */
export function memoryOfRules(rules: readonly TradingRule[]): number {
  return 2 + Math.max(0, ...termsOf(rules).map(memoryOf));
}

type Values = ReadonlyMap<string, number | undefined>;

function keyOf({ indicator, window }: IndicatorTerm): string {
  return `${indicator}/${window}`;
}

/** The indicators of the rules, each once. */
export function termsOf(rules: readonly TradingRule[]): readonly IndicatorTerm[] {
  const found = new Map<string, IndicatorTerm>();
  for (const { indicator, against } of rules) {
    if (indicator !== undefined) found.set(keyOf(indicator), indicator);
    if (against.case === 'secondIndicator') found.set(keyOf(against.value), against.value);
  }
  return [...found.values()];
}

function valuesOf(
  terms: readonly IndicatorTerm[],
  running: readonly RunningIndicator[],
  candle: IndicatorInput,
): Values {
  return new Map(terms.map((term, at) => [keyOf(term), running[at]?.next(candle)]));
}

function isCrossing({ comparator }: TradingRule): boolean {
  return comparator === Comparator.CROSSES_ABOVE || comparator === Comparator.CROSSES_BELOW;
}

function holds(rule: TradingRule, values: Values, before: Values): boolean {
  const now = sidesOf(rule, values);
  if (now === undefined) return false;
  const [a, b] = now;
  const last = sidesOf(rule, before);
  switch (rule.comparator) {
    case Comparator.ABOVE:
      return a > b;
    case Comparator.BELOW:
      return a < b;
    case Comparator.CROSSES_ABOVE:
      return a > b && last !== undefined && last[0] <= last[1];
    case Comparator.CROSSES_BELOW:
      return a < b && last !== undefined && last[0] >= last[1];
    default:
      return false;
  }
}

/** Both sides of the comparison; undefined where one of them has no value. */
function sidesOf(
  { indicator, against }: TradingRule,
  values: Values,
): readonly [number, number] | undefined {
  if (indicator === undefined) return undefined;
  const a = values.get(keyOf(indicator));
  const b =
    against.case === 'secondIndicator'
      ? values.get(keyOf(against.value))
      : Number(against.value ?? Number.NaN);
  return a === undefined || b === undefined ? undefined : [a, b];
}
