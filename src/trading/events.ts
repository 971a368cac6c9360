import type { DescMessage } from '@bufbuild/protobuf';
import { candles } from './candles/candles.ts';
import { instrument } from './instrument/instrument.ts';
import { order } from './order/order.ts';
import { portfolio } from './portfolio/portfolio.ts';
import { strategyRun } from './run/run.ts';
import { signal } from './signal/signal.ts';
import { strategy } from './strategy/strategy.ts';

/** All events of trading that are stored. */
export const tradingEvents: readonly DescMessage[] = [
  ...strategy.events,
  ...portfolio.events,
  ...instrument.events,
  ...candles.events,
  ...signal.events,
  ...order.events,
  ...strategyRun.events,
];
