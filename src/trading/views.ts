import type { View } from '../projection/kit.ts';
import { cashFlows } from './views/analysis/cash-flows.ts';
import { candles } from './views/candles/candles.ts';
import { dailyCloses } from './views/candles/daily-closes.ts';
import { instruments } from './views/instruments/instruments.ts';
import { accounts } from './views/leaderboards/accounts.ts';
import { standings } from './views/leaderboards/standings.ts';
import { portfolioDays } from './views/portfolios/portfolio-days.ts';
import { portfolios } from './views/portfolios/portfolios.ts';
import { positions } from './views/portfolios/positions.ts';
import { runs } from './views/runs/runs.ts';
import { signals } from './views/signals/signals.ts';
import { strategies } from './views/strategies/strategies.ts';
import { strategyHistory } from './views/strategies/strategy-events.ts';
import { trades } from './views/trades/trades.ts';

/** The read models of trading. */
export const tradingViews: readonly View[] = [
  strategies,
  strategyHistory,
  instruments,
  candles,
  dailyCloses,
  portfolios,
  positions,
  trades,
  portfolioDays,
  signals,
  runs,
  cashFlows,
  accounts,
  standings,
];
