import { TradingCommandService } from '../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { OrderCommandService } from '../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { SignalCommandService } from '../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { StrategyRunCommandService } from '../gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import { defineDecider, type WriteContext } from '../write/kit.ts';
import { candles } from './candles/candles.ts';
import { instrument } from './instrument/instrument.ts';
import { order } from './order/order.ts';
import { portfolio } from './portfolio/portfolio.ts';
import { strategyRun } from './run/run.ts';
import { signal } from './signal/signal.ts';
import { strategy } from './strategy/strategy.ts';

/** The write side of trading. */
export const tradingWrite: WriteContext = {
  service: TradingCommandService,
  deciders: [
    defineDecider(strategy),
    defineDecider(portfolio),
    defineDecider(instrument),
    defineDecider(candles),
  ],
};

/** Signals, their orders, and what they reserve in the portfolios above: registered behind them. */
export const signalWrite: WriteContext = {
  service: SignalCommandService,
  deciders: [defineDecider(signal)],
};

export const orderWrite: WriteContext = {
  service: OrderCommandService,
  deciders: [defineDecider(order)],
};

/** Strategies that run by themselves: registered behind all that they look at. */
export const runWrite: WriteContext = {
  service: StrategyRunCommandService,
  deciders: [defineDecider(strategyRun)],
};
