import { create, equals } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  ActivateTradingStrategyCommand,
  CreateTradingStrategyCommand,
  DeleteTradingStrategyCommand,
  PauseTradingStrategyCommand,
  UpdateTradingStrategyCommand,
} from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  StrategyActivatedSchema,
  StrategyCreatedSchema,
  StrategyDeletedSchema,
  StrategyPausedSchema,
  StrategyUpdatedSchema,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { RiskProfileSchema } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { type Rejection, reject } from '../../kernel/rejection.ts';
import { canonicalRiskProfile, refuseRiskProfile } from './risk-profile.ts';
import { canonicalRules, refuseRules, sameRules } from './rules.ts';
import type { LiveStrategy, StrategyEvent, StrategyState } from './state.ts';

export type StrategyCommand =
  | CreateTradingStrategyCommand
  | UpdateTradingStrategyCommand
  | ActivateTradingStrategyCommand
  | PauseTradingStrategyCommand
  | DeleteTradingStrategyCommand;

type Decision = readonly StrategyEvent[] | Rejection;

export function decide(
  command: StrategyCommand,
  state: StrategyState,
  context: DecisionContext,
): Decision {
  if (command.$typeName === 'cipherhorizon.trading.v1.CreateTradingStrategyCommand') {
    return createStrategy(command, state, context);
  }
  switch (state.lifecycle) {
    case 'absent':
      return reject('NOT_FOUND', 'STRATEGY_NOT_FOUND', `there is no strategy '${context.id}'`);
    case 'deleted':
      return command.$typeName === 'cipherhorizon.trading.v1.DeleteTradingStrategyCommand'
        ? []
        : refuseDeleted(context);
    case 'draft':
    case 'active':
    case 'paused':
      return decideOnLive(command, state, context);
  }
}

function decideOnLive(
  command: Exclude<StrategyCommand, CreateTradingStrategyCommand>,
  state: LiveStrategy,
  context: DecisionContext,
): Decision {
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.UpdateTradingStrategyCommand':
      return updateStrategy(command, state, context);
    case 'cipherhorizon.trading.v1.ActivateTradingStrategyCommand':
      return activate(state, context);
    case 'cipherhorizon.trading.v1.PauseTradingStrategyCommand':
      return pause(state, context);
    case 'cipherhorizon.trading.v1.DeleteTradingStrategyCommand':
      return [
        create(StrategyDeletedSchema, {
          strategyId: context.id,
          userId: state.userId,
          strategyName: state.name,
          deletedAt: timestampFromMs(context.nowMs),
        }),
      ];
  }
}

function createStrategy(
  command: CreateTradingStrategyCommand,
  state: StrategyState,
  context: DecisionContext,
): Decision {
  if (state.lifecycle === 'deleted') return refuseDeleted(context);
  if (state.lifecycle !== 'absent') {
    const message = `the strategy '${context.id}' exists already`;
    return reject('ALREADY_EXISTS', 'STRATEGY_ALREADY_EXISTS', message);
  }
  const riskProfile = canonicalRiskProfile(command.riskProfile);
  const refusal = refuseRules(command.rules) ?? refuseRiskProfile(riskProfile);
  if (refusal !== undefined) return refusal;
  return [
    create(StrategyCreatedSchema, {
      strategyId: context.id,
      userId: command.userId,
      strategyName: command.strategyName,
      rules: [...canonicalRules(command.rules)],
      riskProfile,
      createdAt: timestampFromMs(context.nowMs),
    }),
  ];
}

/** A risk profile that is present replaces the one before: empty, it lifts all limits. */
function updateStrategy(
  command: UpdateTradingStrategyCommand,
  state: LiveStrategy,
  context: DecisionContext,
): Decision {
  const strategyName = command.strategyName === '' ? state.name : command.strategyName;
  const rules = command.rules.length === 0 ? state.rules : canonicalRules(command.rules);
  const riskProfile =
    command.riskProfile === undefined
      ? state.riskProfile
      : canonicalRiskProfile(command.riskProfile);
  const refusal = refuseRules(rules) ?? refuseRiskProfile(riskProfile);
  if (refusal !== undefined) return refusal;
  const same =
    strategyName === state.name &&
    sameRules(rules, state.rules) &&
    equals(RiskProfileSchema, riskProfile, state.riskProfile);
  if (same) return [];
  return [
    create(StrategyUpdatedSchema, {
      strategyId: context.id,
      userId: state.userId,
      strategyName,
      rules: [...rules],
      riskProfile,
      updatedAt: timestampFromMs(context.nowMs),
    }),
  ];
}

function activate(state: LiveStrategy, { id, nowMs }: DecisionContext): Decision {
  switch (state.lifecycle) {
    case 'active':
      return [];
    case 'draft':
    case 'paused':
      return [
        create(StrategyActivatedSchema, {
          strategyId: id,
          userId: state.userId,
          activatedAt: timestampFromMs(nowMs),
        }),
      ];
  }
}

function pause(state: LiveStrategy, { id, nowMs }: DecisionContext): Decision {
  switch (state.lifecycle) {
    case 'draft': {
      const message = `the strategy '${id}' is a draft; only an active one can be paused`;
      return reject('PRECONDITION', 'STRATEGY_NOT_ACTIVE', message);
    }
    case 'paused':
      return [];
    case 'active':
      return [
        create(StrategyPausedSchema, {
          strategyId: id,
          userId: state.userId,
          pausedAt: timestampFromMs(nowMs),
        }),
      ];
  }
}

function refuseDeleted({ id }: DecisionContext): Rejection {
  return reject('PRECONDITION', 'STRATEGY_DELETED', `the strategy '${id}' has been deleted`);
}
