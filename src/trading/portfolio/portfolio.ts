import {
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  RecordTradeCommandSchema,
  UpdatePortfolioCommandSchema,
  WithdrawCashCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  CashDepositedSchema,
  CashWithdrawnSchema,
  PortfolioOpenedSchema,
  PortfolioUpdatedSchema,
  TradeRecordedSchema,
} from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import {
  ReleaseReservationCommandSchema,
  ReserveForSignalCommandSchema,
  SettleSignalCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  FundsReservedSchema,
  ReservationReleasedSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { decide, type PortfolioCommand, related } from './decide.ts';
import type { PortfolioRelated } from './order.ts';
import { snapshot } from './snapshot.ts';
import { evolve, initial, ownerOf, type PortfolioEvent, type PortfolioState } from './state.ts';

export const portfolio = {
  category: 'portfolio',
  commands: [
    OpenPortfolioCommandSchema,
    UpdatePortfolioCommandSchema,
    DepositCashCommandSchema,
    WithdrawCashCommandSchema,
    RecordTradeCommandSchema,
    ReserveForSignalCommandSchema,
    SettleSignalCommandSchema,
    ReleaseReservationCommandSchema,
  ],
  events: [
    PortfolioOpenedSchema,
    PortfolioUpdatedSchema,
    CashDepositedSchema,
    CashWithdrawnSchema,
    TradeRecordedSchema,
    FundsReservedSchema,
    ReservationReleasedSchema,
  ],
  initial,
  evolve,
  decide,
  ownerOf,
  related,
  snapshot,
} satisfies Decider<PortfolioCommand, PortfolioEvent, PortfolioState, PortfolioRelated>;
