import type { Claim } from '../../kernel/decider.ts';
import { rejectFieldAs } from '../../kernel/rejection.ts';
import type { StrategyCommand } from './decide.ts';
import { nameKey } from './name.ts';
import type { StrategyState } from './state.ts';

/** The name that the command gives the strategy, which no other one of its user may have. */
export function claims(command: StrategyCommand, state: StrategyState): readonly Claim[] {
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.CreateTradingStrategyCommand':
      return [claimOf(command.userId, command.strategyName)];
    case 'cipherhorizon.trading.v1.UpdateTradingStrategyCommand':
      return command.strategyName === '' || state.lifecycle === 'absent'
        ? []
        : [claimOf(state.userId, command.strategyName)];
    case 'cipherhorizon.trading.v1.ActivateTradingStrategyCommand':
    case 'cipherhorizon.trading.v1.PauseTradingStrategyCommand':
    case 'cipherhorizon.trading.v1.DeleteTradingStrategyCommand':
      return [];
  }
}

function claimOf(userId: string, name: string): Claim {
  const message = `strategy_name is '${name}', the name of a strategy already; it is unique per user`;
  return {
    key: nameKey(userId, name),
    refusal: rejectFieldAs('ALREADY_EXISTS', 'STRATEGY_NAME_TAKEN', 'strategy_name', message),
  };
}
