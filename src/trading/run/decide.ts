import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  AdvanceStrategyRunCommand,
  StartStrategyRunCommand,
  StopStrategyRunCommand,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import {
  RunCandleSchema,
  StrategyRunStartedSchema,
  StrategyRunStoppedSchema,
} from '../../gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import type { Claim, DecisionContext, Relation } from '../../kernel/decider.ts';
import { decimal, isPositive, toText } from '../../kernel/decimal.ts';
import { type Rejection, reject, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';
import { completeModel } from '../model/paper-venue.ts';
import { advance } from './advance.ts';
import type { RunRelated } from './related.ts';
import type { RunEvent, RunState } from './state.ts';

export type RunCommand =
  | StartStrategyRunCommand
  | StopStrategyRunCommand
  | AdvanceStrategyRunCommand;

type Context = DecisionContext<RunRelated>;

export function related(command: RunCommand): { readonly [name: string]: Relation } {
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.StartStrategyRunCommand': {
      const { strategyId, portfolioId, instrumentId, interval } = command;
      return {
        strategy: { category: 'strategy', id: strategyId },
        portfolio: { category: 'portfolio', id: portfolioId },
        instrument: { category: 'instrument', id: instrumentId },
        candles: { category: 'candles', id: `${instrumentId}:${interval}` },
      };
    }
    case 'cipherhorizon.trading.v1.AdvanceStrategyRunCommand':
      return {
        strategy: { category: 'strategy', id: command.strategyId },
        portfolio: { category: 'portfolio', id: command.portfolioId },
      };
    case 'cipherhorizon.trading.v1.StopStrategyRunCommand':
      return {};
  }
}

/** What is held of an instrument in a portfolio is the position of one run. */
export function keysOf(state: RunState): readonly string[] {
  return state.lifecycle === 'running' ? [keyOf(state.terms)] : [];
}

export function claims(command: RunCommand): readonly Claim[] {
  if (command.$typeName !== 'cipherhorizon.trading.v1.StartStrategyRunCommand') return [];
  const { instrumentId } = command;
  const message = `instrument_id is '${instrumentId}', which a strategy runs on in this portfolio already`;
  const refusal = rejectFieldAs('ALREADY_EXISTS', 'STRATEGY_RUNS', 'instrument_id', message);
  return [{ key: keyOf(command), refusal }];
}

function keyOf({ portfolioId, instrumentId }: { portfolioId: string; instrumentId: string }) {
  return `strategy_run:${portfolioId}/${instrumentId}`;
}

export function decide(
  command: RunCommand,
  state: RunState,
  context: Context,
): readonly RunEvent[] | Rejection {
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.StartStrategyRunCommand':
      if (state.lifecycle === 'absent') return start(command, context);
      return reject('ALREADY_EXISTS', 'RUN_ALREADY_EXISTS', `the run '${context.id}' exists`);
    case 'cipherhorizon.trading.v1.StopStrategyRunCommand':
      return stop(state, context);
    case 'cipherhorizon.trading.v1.AdvanceStrategyRunCommand':
      if (state.lifecycle === 'absent') return refuseAbsent(context.id);
      return state.lifecycle === 'running' ? advance(command, state, context) : [];
  }
}

function refuseAbsent(id: string): Rejection {
  return reject('NOT_FOUND', 'RUN_NOT_FOUND', `there is no run '${id}'`);
}

function stop(state: RunState, { id, nowMs }: Context): readonly RunEvent[] | Rejection {
  if (state.lifecycle === 'absent') return refuseAbsent(id);
  if (state.lifecycle === 'stopped') return [];
  const { userId } = state;
  const stoppedAt = timestampFromMs(nowMs);
  return [create(StrategyRunStoppedSchema, { runId: id, userId, stoppedAt })];
}

function start(
  command: StartStrategyRunCommand,
  { id, nowMs, related: known }: Context,
): readonly RunEvent[] | Rejection {
  const refusal = refuseSubject(command, known);
  if (refusal !== undefined) return refusal;
  const fraction = decimal(command.fraction || '1');
  if (!isPositive(fraction)) {
    const message = `fraction is ${command.fraction}; it has to be over 0`;
    return rejectField('AMOUNT_NOT_POSITIVE', 'fraction', message);
  }
  const { userId, strategyId, portfolioId, instrumentId, interval, goodForCandles } = command;
  return [
    create(StrategyRunStartedSchema, {
      ...{ runId: id, userId, strategyId, portfolioId, instrumentId, interval, goodForCandles },
      fraction: toText(fraction),
      execution: completeModel(command.execution),
      candles: (known.candles?.recent ?? []).map((candle) =>
        create(RunCandleSchema, {
          ...{ start: BigInt(candle.start), close: candle.close, volume: candle.volume },
        }),
      ),
      startedAt: timestampFromMs(nowMs),
    }),
  ];
}

/** In the same words whether there is none, or it is another user's. */
function refuseSubject(
  { userId, strategyId, portfolioId, instrumentId }: StartStrategyRunCommand,
  { strategy, portfolio, instrument }: RunRelated,
): Rejection | undefined {
  const refuse = (code: string, field: string, message: string) =>
    rejectFieldAs('PRECONDITION', code, field, message);
  if (strategy === undefined || !('rules' in strategy) || strategy.userId !== userId) {
    const message = `strategy_id is '${strategyId}'; the user has no such strategy`;
    return refuse('STRATEGY_UNKNOWN', 'strategy_id', message);
  }
  if (strategy.lifecycle !== 'active') {
    const message = `the strategy '${strategyId}' is ${strategy.lifecycle}; it has to be active`;
    return refuse('STRATEGY_NOT_ACTIVE', 'strategy_id', message);
  }
  if (portfolio?.lifecycle !== 'open' || portfolio.userId !== userId) {
    const message = `portfolio_id is '${portfolioId}'; the user has no such portfolio`;
    return refuse('PORTFOLIO_UNKNOWN', 'portfolio_id', message);
  }
  if (instrument === undefined || instrument.lifecycle === 'absent') {
    const message = `instrument_id is '${instrumentId}', which is not registered`;
    return refuse('INSTRUMENT_UNKNOWN', 'instrument_id', message);
  }
  if (instrument.quoteCurrency === portfolio.baseCurrency) return undefined;
  const quoted = `instrument_id is '${instrumentId}', which is quoted in ${instrument.quoteCurrency}`;
  const message = `${quoted}; the portfolio is kept in ${portfolio.baseCurrency}`;
  return refuse('QUOTE_CURRENCY_MISMATCH', 'instrument_id', message);
}
