import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../../../src/engines/sqlite/event-log.ts';
import {
  ActivateTradingStrategyCommandSchema,
  CreateTradingStrategyCommandSchema,
  PauseTradingStrategyCommandSchema,
  RecordTradeCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  ReleaseReservationCommandSchema,
  ReserveForSignalCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { SignalAcceptedSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  AdvanceStrategyRunCommandSchema,
  StartStrategyRunCommandSchema,
  StopStrategyRunCommandSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/strategy_run_commands_pb.ts';
import {
  StrategyRunAdvancedSchema,
  StrategyRunStartedSchema,
  StrategySignalRaisedSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/strategy_run_events_pb.ts';
import { isRejection } from '../../../../src/kernel/rejection.ts';
import { evolve, initial, snapshot } from '../../../../src/trading/run/state.ts';
import { accepted, alice, bob, startBus } from '../../../support/command-bus.ts';
import { runParts } from '../../../support/run-parts.ts';
import { candleOf, createDesk, day, internal } from '../../../support/signal-desk.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { tradingRule as rule } from '../../../support/trading-rules.ts';

const folder = temporaryFolder();
const store = createSqliteEventLog({ path: join(folder, 'log.db'), synchronous: 'NORMAL' });
afterAll(() => store[Symbol.asyncDispose]());

const { PRICE } = Indicator;
const rules = [
  rule([PRICE, 0], Comparator.ABOVE, '100', RuleAction.ENTER_LONG),
  rule([PRICE, 0], Comparator.BELOW, '90', RuleAction.EXIT_LONG),
];

async function started(more: MessageInitShape<typeof StartStrategyRunCommandSchema> = {}) {
  const bus = startBus(store, { contexts: runParts.contexts });
  const desk = await createDesk(store, { bus });
  const { portfolioId, instrumentId } = desk;
  const made = await bus.send(CreateTradingStrategyCommandSchema, {
    ...{ userId: 'alice', strategyName: instrumentId, rules },
  });
  const strategyId = accepted(made).aggregateId;
  accepted(await bus.send(ActivateTradingStrategyCommandSchema, { strategyId }));
  const of = { userId: 'alice', strategyId, portfolioId, instrumentId, interval: day };
  const start = (over: object = {}) =>
    bus.send(StartStrategyRunCommandSchema, { ...of, ...more, ...over });
  const runId = accepted(await start()).aggregateId;
  let at = 0;
  /** What candles with these closes lead to: names of events. */
  const advance = async (...closes: readonly number[]) => {
    const candles = closes.map((close, index) =>
      candleOf([close, close, close, close], at + index),
    );
    at += closes.length;
    const command = { runId, strategyId, portfolioId, candles };
    return desk.send(AdvanceStrategyRunCommandSchema, command, internal);
  };
  const trade = async (side: TradeSide) =>
    accepted(
      await bus.send(RecordTradeCommandSchema, {
        ...{ portfolioId, instrumentId, side, quantity: '1', price: '100' },
      }),
    );
  return { bus, desk, runId, strategyId, portfolioId, instrumentId, start, advance, trade };
}

const advanced = 'StrategyRunAdvanced';
const raised = 'StrategySignalRaised';

describe('A run', () => {
  test('raises a signal where the rules enter and nothing is held', async () => {
    const { desk, advance, runId } = await started({ fraction: '0.5', goodForCandles: 3 });
    expect(await advance(95)).toEqual([advanced]);
    expect(await advance(101)).toEqual([advanced, raised]);
    const [signal] = await desk.events(`strategy_run-${runId}`, StrategySignalRaisedSchema);
    expect(signal).toMatchObject({
      ...{ side: TradeSide.BUY, fraction: '0.5', close: '101', goodForCandles: 3 },
      execution: { feeRate: '0.001', slippage: '0.0005' },
    });
    expect(signal?.atCandle).toBe(candleOf([101, 101, 101, 101], 1).start);
  });

  test('leaves what is held, and does not enter it again', async () => {
    const { advance, trade } = await started();
    await trade(TradeSide.BUY);
    expect(await advance(101)).toEqual([advanced]);
    expect(await advance(89)).toEqual([advanced, raised]);
    await trade(TradeSide.SELL);
    expect(await advance(88)).toEqual([advanced]);
    expect(await advance(120)).toEqual([advanced, raised]);
  });

  test('of candles that come together the last one alone leads to a signal', async () => {
    const { advance } = await started();
    expect(await advance(101, 95)).toEqual([advanced]);
    expect(await advance(95, 101)).toEqual([advanced, raised]);
  });

  test('what it has seen, in whole or in part, changes nothing', async () => {
    const { desk, runId, strategyId, portfolioId, advance } = await started();
    await advance(95, 96);
    const again = (from: number, until: number) =>
      desk.send(AdvanceStrategyRunCommandSchema, {
        ...{ runId, strategyId, portfolioId },
        candles: Array.from({ length: until - from }, (_, index) =>
          candleOf([101, 101, 101, 101], from + index),
        ),
      });
    expect(await again(0, 2)).toEqual([]);
    expect(await again(0, 3)).toEqual([advanced, raised]);
  });

  test('waits while its purchase is at the venue, and leaves once it is settled', async () => {
    const { desk, runId, strategyId, portfolioId, advance, trade } = await started();
    const { bus } = desk;
    await desk.candles([100, 100, 100, 100]);
    const signal = accepted(await desk.execute({ strategyId })).aggregateId;
    const { terms, limits } = await termsOf(desk, signal);
    const reserve = { portfolioId, terms, limits };
    accepted(await bus.send(ReserveForSignalCommandSchema, reserve as never, internal));
    expect(await advance(101)).toEqual([advanced]);
    expect(await advance(89)).toEqual([advanced]);
    const resume = () =>
      desk.send(AdvanceStrategyRunCommandSchema, { runId, strategyId, portfolioId });
    expect(await resume()).toEqual([]);
    await trade(TradeSide.BUY);
    const release = { portfolioId, signalId: signal };
    expect(await desk.send(ReleaseReservationCommandSchema, release)).toEqual([
      'ReservationReleased',
    ]);
    expect(await resume()).toEqual([raised]);
    expect(await resume()).toEqual([]);
  });

  test('what waits is wanted on where the rules say nothing, and no longer where they say the opposite', async () => {
    for (const [next, then] of [
      [95, [raised]],
      [101, []],
    ] as const) {
      const { desk, runId, strategyId, portfolioId, advance, trade } = await started();
      await desk.candles([100, 100, 100, 100]);
      const signalId = accepted(await desk.execute({ strategyId })).aggregateId;
      const { terms, limits } = await termsOf(desk, signalId);
      const reserve = { portfolioId, terms, limits };
      accepted(await desk.bus.send(ReserveForSignalCommandSchema, reserve as never, internal));
      expect(await advance(101)).toEqual([advanced]);
      expect(await advance(89)).toEqual([advanced]);
      expect(await advance(next)).toEqual([advanced]);
      await trade(TradeSide.BUY);
      await desk.send(ReleaseReservationCommandSchema, { portfolioId, signalId });
      const resume = { runId, strategyId, portfolioId };
      expect(await desk.send(AdvanceStrategyRunCommandSchema, resume)).toEqual(then);
    }
  });

  test('a paused strategy leaves, and does not enter', async () => {
    const { bus, strategyId, advance, trade } = await started();
    accepted(await bus.send(PauseTradingStrategyCommandSchema, { strategyId }));
    expect(await advance(101)).toEqual([advanced]);
    await trade(TradeSide.BUY);
    expect(await advance(89)).toEqual([advanced, raised]);
  });

  test('there is one for each instrument of a portfolio, until it is stopped', async () => {
    const { bus, desk, runId, start, advance } = await started();
    const codeOf = (outcome: object) => (isRejection(outcome) ? outcome.code : 'accepted');
    expect(codeOf(await start())).toBe('STRATEGY_RUNS');
    expect(codeOf(await bus.send(StopStrategyRunCommandSchema, { runId }, bob))).not.toBe(
      'accepted',
    );
    expect(await desk.send(StopStrategyRunCommandSchema, { runId }, alice)).toEqual([
      'StrategyRunStopped',
    ]);
    expect(await desk.send(StopStrategyRunCommandSchema, { runId }, alice)).toEqual([]);
    expect(await advance(101)).toEqual([]);
    expect(codeOf(await start())).toBe('accepted');
  });

  test.each([
    [{ strategyId: '018f6f3e-0000-7000-8000-000000000009' }, 'STRATEGY_UNKNOWN'],
    [{ portfolioId: '018f6f3e-0000-7000-8000-000000000009' }, 'PORTFOLIO_UNKNOWN'],
    [{ instrumentId: 'NONE-USD' }, 'INSTRUMENT_UNKNOWN'],
    [{ fraction: '0' }, 'AMOUNT_NOT_POSITIVE'],
  ])('%j is refused: %s', async (over, code) => {
    const { bus, runId, start } = await started();
    accepted(await bus.send(StopStrategyRunCommandSchema, { runId }));
    const outcome = await start(over);
    expect(isRejection(outcome) ? outcome.code : 'accepted').toBe(code);
  });
});

test('a run is the same behind a snapshot', () => {
  const states = [{ lifecycle: 'absent' }, { lifecycle: 'stopped', userId: 'alice' }] as const;
  for (const state of states) expect(snapshot.fromJson(snapshot.toJson(state))).toEqual(state);
  const candles = [{ start: 0n, close: '1.5', volume: '2' }] as never;
  const begun = evolve(initial, create(StrategyRunStartedSchema, { userId: 'alice', candles }));
  const next = [{ start: 60n, close: '2', volume: '3' }];
  const more = { candles: next, remembered: 2, waiting: RuleAction.ENTER_LONG };
  const running = evolve(begun, create(StrategyRunAdvancedSchema, more));
  expect(running).toMatchObject({ memory: [{ close: 1.5 }, { close: 2 }], last: { start: 60 } });
  const json = JSON.parse(JSON.stringify(snapshot.toJson(running)));
  expect(snapshot.fromJson(json)).toEqual(running);
});

async function termsOf(desk: Awaited<ReturnType<typeof createDesk>>, signalId: string) {
  const [found] = await desk.events(`signal-${signalId}`, SignalAcceptedSchema);
  return { terms: found?.terms, limits: found?.limits };
}
