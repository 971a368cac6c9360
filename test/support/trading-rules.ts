import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Comparator,
  type Indicator,
  type RuleAction,
  type TradingRule,
  TradingRuleSchema,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';

/** "When the first compares so with the threshold or the second indicator, then the action." */
export function tradingRule(
  [indicator, window]: readonly [Indicator, number],
  comparator: Comparator,
  against: string | readonly [Indicator, number],
  action: RuleAction,
): TradingRule {
  const init: MessageInitShape<typeof TradingRuleSchema> = {
    ...{ indicator: { indicator, window }, comparator, action },
    against:
      typeof against === 'string'
        ? { case: 'threshold', value: against }
        : { case: 'secondIndicator', value: { indicator: against[0], window: against[1] } },
  };
  return create(TradingRuleSchema, init);
}
