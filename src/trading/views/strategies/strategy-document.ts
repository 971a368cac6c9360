import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ComparatorSchema,
  IndicatorSchema,
  type IndicatorTerm,
  type RiskProfile,
  RuleActionSchema,
  StrategyStatusSchema,
  type TradingRule,
  type TradingRuleSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { StrategySchema } from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { enumOf, nameOf } from '../enums.ts';
import type { Found } from '../reading.ts';

type Limits = Partial<Omit<RiskProfile, '$typeName' | '$unknown'>>;

type TermDocument = { readonly indicator: string; readonly window: number };

type RuleDocument = {
  readonly indicator: TermDocument;
  readonly comparator: string;
  readonly threshold?: string;
  readonly secondIndicator?: TermDocument;
  readonly action: string;
};

/** Enums are names without their prefix, instants milliseconds since 1970. */
export type StrategyDocument = {
  readonly userId: string;
  readonly name: string;
  readonly status: string;
  /** Those of its rules, each once. */
  readonly indicators: readonly string[];
  readonly rules: readonly RuleDocument[];
  /** The limits that are set. */
  readonly riskProfile: { readonly [limit: string]: string | number };
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
};

function termDocument(term: IndicatorTerm): TermDocument {
  return { indicator: nameOf(IndicatorSchema, term.indicator), window: term.window };
}

function termMessage({ indicator, window }: TermDocument) {
  return { indicator: enumOf(IndicatorSchema, indicator), window };
}

function ruleDocument({ indicator, comparator, against, action }: TradingRule): RuleDocument {
  if (indicator === undefined) throw new Error('a trading rule without an indicator');
  return {
    indicator: termDocument(indicator),
    comparator: nameOf(ComparatorSchema, comparator),
    ...(against.case === 'threshold' && { threshold: against.value }),
    ...(against.case === 'secondIndicator' && { secondIndicator: termDocument(against.value) }),
    action: nameOf(RuleActionSchema, action),
  };
}

function ruleMessage(rule: RuleDocument): MessageInitShape<typeof TradingRuleSchema> {
  const { indicator, comparator, threshold, secondIndicator, action } = rule;
  return {
    indicator: termMessage(indicator),
    comparator: enumOf(ComparatorSchema, comparator),
    against:
      secondIndicator === undefined
        ? { case: 'threshold', value: threshold ?? '' }
        : { case: 'secondIndicator', value: termMessage(secondIndicator) },
    action: enumOf(RuleActionSchema, action),
  };
}

function limitsOf(profile: RiskProfile | undefined): StrategyDocument['riskProfile'] {
  const { $typeName: _, $unknown: __, ...limits } = profile ?? {};
  return Object.fromEntries(
    Object.entries(limits as JsonObject).filter(
      (entry): entry is [string, string | number] => entry[1] !== '' && entry[1] !== 0,
    ),
  );
}

/** What a user says about a strategy, as its document has it. */
export function termsOf(event: {
  readonly strategyName: string;
  readonly rules: readonly TradingRule[];
  readonly riskProfile?: RiskProfile | undefined;
}) {
  const rules = event.rules.map(ruleDocument);
  const used = rules.flatMap(({ indicator, secondIndicator }) =>
    secondIndicator === undefined ? [indicator] : [indicator, secondIndicator],
  );
  return {
    name: event.strategyName,
    indicators: [...new Set(used.map(({ indicator }) => indicator))],
    rules,
    riskProfile: limitsOf(event.riskProfile),
  };
}

/** Names and states: what a list of strategies needs. */
export function briefStrategy(found: Found) {
  const document = found.document as unknown as StrategyDocument;
  return {
    strategyId: found.id,
    userId: document.userId,
    strategyName: document.name,
    status: enumOf(StrategyStatusSchema, document.status),
    createdAt: timestampFromMs(document.createdAt),
    updatedAt: timestampFromMs(document.updatedAt),
    revision: BigInt(document.revision),
  } satisfies MessageInitShape<typeof StrategySchema>;
}

export function toStrategy(found: Found): MessageInitShape<typeof StrategySchema> {
  const { rules, riskProfile } = found.document as unknown as StrategyDocument;
  const limits = riskProfile as Limits;
  return { ...briefStrategy(found), rules: rules.map(ruleMessage), riskProfile: limits };
}
