import { TradingCommandService } from '../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { defineDecider, type WriteContext } from '../write/kit.ts';
import { candles } from './candles/candles.ts';
import { instrument } from './instrument/instrument.ts';
import { portfolio } from './portfolio/portfolio.ts';
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
