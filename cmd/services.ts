import type { DescService } from '@bufbuild/protobuf';
import { IdentityCommandService } from '../src/gen/cipherhorizon/identity/v1/commands_pb.ts';
import { IdentityQueryService } from '../src/gen/cipherhorizon/identity/v1/queries_pb.ts';
import { CommandLogService } from '../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import {
  CommandReplayService,
  EventLogService,
  ProjectionService,
} from '../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import {
  ProcessCommandService,
  ProcessQueryService,
} from '../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import { AnalysisQueryService } from '../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { BacktestService } from '../src/gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { TradingCommandService } from '../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { LeaderboardQueryService } from '../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { OrderCommandService } from '../src/gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { TradingQueryService } from '../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { SignalCommandService } from '../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { SignalQueryService } from '../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { StrategyRunCommandService } from '../src/gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import { StrategyRunQueryService } from '../src/gen/cipherhorizon/trading/v1/strategy_run_queries_pb.ts';

export type ServerName = 'write' | 'read' | 'projector';

/** The services that the CLI calls, by the server that has them: a new context adds its own. */
export const servicesOf: { readonly [server in ServerName]: readonly DescService[] } = {
  write: [
    TradingCommandService,
    SignalCommandService,
    StrategyRunCommandService,
    OrderCommandService,
    IdentityCommandService,
    CommandReplayService,
    ProcessCommandService,
  ],
  read: [
    TradingQueryService,
    AnalysisQueryService,
    LeaderboardQueryService,
    BacktestService,
    SignalQueryService,
    StrategyRunQueryService,
    IdentityQueryService,
    CommandLogService,
    ProcessQueryService,
  ],
  projector: [ProjectionService, EventLogService],
};
