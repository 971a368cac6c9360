import { create } from '@bufbuild/protobuf';
import {
  type TargetWeight,
  TargetWeightSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { add, compare, decimal, toText, zero } from '../../kernel/decimal.ts';
import { type Rejection, rejectField } from '../../kernel/rejection.ts';

const one = decimal('1');

/** The weights as they are stored, in canonical text; or what is wrong with them. */
export function checkTargetWeights(
  weights: readonly TargetWeight[],
): readonly TargetWeight[] | Rejection {
  const seen = new Set<string>();
  const checked: TargetWeight[] = [];
  let sum = zero;
  for (const [index, { instrumentId, weight: text }] of weights.entries()) {
    const path = `target_weights.weights[${index}]`;
    const weight = decimal(text);
    if (compare(weight, one) > 0) {
      const message = `${path}.weight is ${text}; it has to be from 0 to 1`;
      return rejectField('TARGET_WEIGHT_INVALID', `${path}.weight`, message);
    }
    if (seen.has(instrumentId)) {
      const message = `${path}.instrument_id is '${instrumentId}', which has a weight already`;
      return rejectField('TARGET_WEIGHT_DUPLICATE', `${path}.instrument_id`, message);
    }
    seen.add(instrumentId);
    sum = add(sum, weight);
    checked.push(create(TargetWeightSchema, { instrumentId, weight: toText(weight) }));
  }
  if (compare(sum, one) <= 0) return checked;
  const message = `the target weights sum to ${toText(sum)}; they may sum to 1 at most`;
  return rejectField('TARGET_WEIGHTS_OVER_ONE', 'target_weights.weights', message);
}

export function sameWeights(a: readonly TargetWeight[], b: readonly TargetWeight[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      ({ instrumentId, weight }, index) =>
        instrumentId === b[index]?.instrumentId && weight === b[index].weight,
    )
  );
}
