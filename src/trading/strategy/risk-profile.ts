import { create } from '@bufbuild/protobuf';
import {
  type RiskProfile,
  RiskProfileSchema,
} from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { compare, type Decimal, decimal, isPositive, toText } from '../../kernel/decimal.ts';
import { type Rejection, rejectField } from '../../kernel/rejection.ts';

const one = decimal('1');

/** The profile as it is stored: its decimals in canonical text; empty where there is none. */
export function canonicalRiskProfile(profile: RiskProfile | undefined): RiskProfile {
  if (profile === undefined) return create(RiskProfileSchema);
  return create(RiskProfileSchema, {
    maxPositionSize: canonical(profile.maxPositionSize),
    stopLoss: canonical(profile.stopLoss),
    takeProfit: canonical(profile.takeProfit),
    trailingStopDistance: canonical(profile.trailingStopDistance),
    trailingStopOffset: canonical(profile.trailingStopOffset),
    maxDrawdown: canonical(profile.maxDrawdown),
    maxLeverage: canonical(profile.maxLeverage),
    maxOpenPositions: profile.maxOpenPositions,
    cooldownSeconds: profile.cooldownSeconds,
  });
}

function canonical(text: string): string {
  return text === '' ? '' : toText(decimal(text));
}

/**
 * What is wrong with a profile, or undefined. These are the checks that the well-known engines make
 * before they trade.
 */
export function refuseRiskProfile(profile: RiskProfile): Rejection | undefined {
  return (
    refuse('MAX_POSITION_SIZE_INVALID', 'max_position_size', profile.maxPositionSize, {
      holds: (size) => isPositive(size) && compare(size, one) <= 0,
      rule: 'it has to be over 0 and at most 1',
    }) ??
    refuse('STOP_LOSS_INVALID', 'stop_loss', profile.stopLoss, overZero) ??
    refuse('TAKE_PROFIT_INVALID', 'take_profit', profile.takeProfit, overZero) ??
    refuseEqualExits(profile) ??
    refuse(
      'TRAILING_STOP_DISTANCE_INVALID',
      'trailing_stop_distance',
      profile.trailingStopDistance,
      overZero,
    ) ??
    refuseTrailingOffset(profile) ??
    refuse('MAX_LEVERAGE_INVALID', 'max_leverage', profile.maxLeverage, {
      holds: (leverage) => compare(leverage, one) >= 0,
      rule: 'it has to be at least 1',
    })
  );
}

type Check = { readonly holds: (value: Decimal) => boolean; readonly rule: string };

const overZero: Check = { holds: isPositive, rule: 'it has to be over 0' };

function refuse(code: string, field: string, text: string, check: Check): Rejection | undefined {
  if (text === '' || check.holds(decimal(text))) return undefined;
  const path = `risk_profile.${field}`;
  return rejectField(code, path, `${path} is ${text}; ${check.rule}`);
}

function refuseEqualExits({ stopLoss, takeProfit }: RiskProfile): Rejection | undefined {
  if (stopLoss === '' || takeProfit === '') return undefined;
  if (compare(decimal(stopLoss), decimal(takeProfit)) !== 0) return undefined;
  const path = 'risk_profile.take_profit';
  const message = `${path} is ${takeProfit}, as the stop_loss is; the two have to differ`;
  return rejectField('STOP_LOSS_EQUALS_TAKE_PROFIT', path, message);
}

function refuseTrailingOffset(profile: RiskProfile): Rejection | undefined {
  const { trailingStopDistance: distance, trailingStopOffset: offset } = profile;
  if (offset === '') return undefined;
  if (distance !== '' && compare(decimal(offset), decimal(distance)) > 0) return undefined;
  const rule =
    distance === ''
      ? 'without a trailing_stop_distance it says nothing'
      : `it has to be greater than the trailing_stop_distance of ${distance}`;
  const path = 'risk_profile.trailing_stop_offset';
  return rejectField('TRAILING_STOP_OFFSET_INVALID', path, `${path} is ${offset}; ${rule}`);
}
