import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { RecordCandlesCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  type RiskProfileSchema,
  TradeSide,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { ExecuteTradeSignalCommandSchema } from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { deriveUuid } from '../../../../src/kernel/derived-id.ts';
import type { RecordedEvent } from '../../../../src/kernel/event.ts';
import { operator } from '../../../support/command-bus.ts';
import { candleOf, createDesk, type Desk, day, type Row } from '../../../support/signal-desk.ts';
import {
  createSignalWorld,
  type Death,
  type Life,
  liveIn,
  tell,
} from '../../../support/signal-world.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const folder = temporaryFolder();
let worlds = 0;

type Signal = MessageInitShape<typeof ExecuteTradeSignalCommandSchema>;

/** What happens outside: a signal, a candle; `wait`: until nothing goes on. */
type Happening =
  | { readonly signal: Signal }
  | { readonly candle: Row }
  | { readonly wait: 'settled' | 'time over' };

type Story = {
  readonly risk?: MessageInitShape<typeof RiskProfileSchema>;
  readonly happenings: readonly Happening[];
};

const settled = { wait: 'settled' } as const;

function happen(life: Life, desk: Desk, happening: Happening, index: number) {
  const metadata = { commandId: deriveUuid('story', `${index}`) };
  if ('candle' in happening) {
    const { instrumentId } = desk;
    const candles = [candleOf(happening.candle, index)];
    const command = { instrumentId, interval: day, candles, metadata };
    return tell(life, () => life.bus.send(RecordCandlesCommandSchema, command, operator));
  }
  if (!('signal' in happening)) return undefined;
  const { portfolioId, strategyId, instrumentId } = desk;
  const of = { userId: 'alice', portfolioId, strategyId, instrumentId, interval: day };
  const command = { side: TradeSide.BUY, ...of, ...happening.signal, metadata } as Signal;
  return tell(life, () => life.bus.send(ExecuteTradeSignalCommandSchema, command));
}

/** Tells a story to write servers of which the first dies; whoever gets no answer asks again. */
async function told(story: Story, death?: Death) {
  worlds += 1;
  const world = createSignalWorld(join(folder, `${worlds}.db`));
  const desk = await createDesk(world.log, { risk: story.risk ?? {} });
  await (await liveIn(world)).restore();
  let life = await liveIn(world, death);
  const deaths: Life[] = [];
  const reborn = async () => {
    deaths.push(life);
    await life.stop();
    life = await liveIn(world);
    await life.restore();
  };
  await life.restore().catch(() => undefined);
  for (const [index, happening] of story.happenings.entries()) {
    for (;;) {
      if (life.isDead()) await reborn();
      await happen(life, desk, happening, index);
      if ('wait' in happening) await life.settle();
      if (!life.isDead() && 'wait' in happening && happening.wait === 'time over') {
        while (!life.isDead() && life.unfinished() > 0 && life.passTime()) await life.settle();
      }
      if (!life.isDead()) break;
    }
  }
  await life.settle();
  const { appends } = life;
  const unfinished = life.unfinished();
  const events = await world.all();
  await life.stop();
  await world[Symbol.asyncDispose]();
  return { events, unfinished, appends: deaths.length === 0 ? appends() : 0, desk };
}

const kept = new Set([
  'SignalAccepted',
  'SignalExecutionStarted',
  'SignalSettled',
  'SignalFailed',
  'SignalExitReached',
  'SignalExitsEnded',
  'FundsReserved',
  'ReservationReleased',
  'OrderPlaced',
  'OrderFilled',
  'OrderClosed',
  'TradeRecorded',
]);

/** What happened to signals, orders and the portfolio, in short and in the order of the log. */
function gistOf(events: readonly RecordedEvent[]): readonly string[] {
  return events.flatMap(({ type, data }) => {
    const name = type.split('.').at(-1) ?? '';
    if (!kept.has(name)) return [];
    const { code, position, cash, units, filled, fill } = data as { [name: string]: unknown };
    const { quantity, price } = (fill ?? data) as { [name: string]: unknown };
    switch (name) {
      case 'FundsReserved':
        return [`${name} ${cash}/${units}`];
      case 'OrderFilled':
        return [`${name} ${quantity} at ${price}`];
      case 'TradeRecorded':
        return [`${name} ${quantity} at ${price}: ${cash}, ${position}`];
      case 'OrderClosed':
        return [`${name} ${filled}${code ? ` ${code}` : ''}`];
      case 'SignalFailed':
        return [`${name} ${code}`];
      default:
        return [name];
    }
  });
}

function outcomesOf(events: readonly RecordedEvent[]) {
  const ends = ['ProcessCompleted', 'ProcessCompensated', 'ProcessFailed'];
  const names = events.map(({ type }) => type.split('.').at(-1) ?? '');
  return {
    started: names.filter((name) => name === 'ProcessStarted').length,
    ends: names.filter((name) => ends.includes(name)),
  };
}

const free = { feeRate: '0', slippage: '0' };
const buy = (value: string, more: Signal = {}) => ({
  signal: { size: { case: 'quantity', value }, execution: free, ...more } as Signal,
});
const candle = (...row: Row) => ({ candle: row });

/** Two fills, a settlement; then a stop is reached, and sold at. */
const boughtAndStopped: Story = {
  risk: { stopLoss: '0.1', takeProfit: '0.5' },
  happenings: [
    candle(100, 100, 100, 100),
    buy('2', { execution: { ...free, participation: '0.1' } }),
    settled,
    candle(101, 101, 101, 101, 12),
    settled,
    candle(99, 103, 98, 103),
    settled,
    candle(104, 110, 90, 95),
    settled,
    candle(95, 95, 80, 85, 100),
    settled,
  ],
};

const begun = ['SignalAccepted', 'SignalExecutionStarted'];

describe('a signal is led through', () => {
  test('reserve, fill in parts, settle, and leave at the stop', async () => {
    const { events, unfinished } = await told(boughtAndStopped);
    expect(gistOf(events)).toEqual([
      ...begun,
      'FundsReserved 210/0',
      'OrderPlaced',
      'OrderFilled 1.2 at 101',
      'OrderFilled 0.8 at 99',
      'OrderClosed 2',
      'TradeRecorded 1.2 at 101: 878.8, 1.2',
      'TradeRecorded 0.8 at 99: 799.6, 2',
      'ReservationReleased',
      'SignalSettled',
      // 100.2 less 10 %; the opening of the last candle is over it.
      'SignalExitReached',
      ...begun,
      'FundsReserved 0/2',
      'OrderPlaced',
      'OrderFilled 2 at 90.18',
      'OrderClosed 2',
      'TradeRecorded 2 at 90.18: 979.96, 0',
      'ReservationReleased',
      'SignalSettled',
    ]);
    expect(unfinished).toBe(0);
    const { started, ends } = outcomesOf(events);
    expect([started, ends]).toEqual([2, ['ProcessCompleted', 'ProcessCompleted']]);
  });
});

/** The best price rises, and before anybody has seen it the stop behind it is reached. */
const trailed: Story = {
  risk: { trailingStopDistance: '0.1' },
  happenings: [
    candle(100, 100, 100, 100),
    buy('2'),
    settled,
    candle(100, 100, 100, 100),
    settled,
    candle(100, 150, 100, 140),
    candle(99, 99, 95, 95),
    candle(94, 94, 94, 94),
    settled,
  ],
};

test('a stop that trails the best price is reached', async () => {
  const { events } = await told(trailed);
  const gist = gistOf(events);
  expect(gist).toContain('TradeRecorded 2 at 99: 998, 0');
  expect(gist.filter((one) => one === 'SignalExitReached')).toHaveLength(1);
  expect(outcomesOf(events).ends).toEqual(['ProcessCompleted', 'ProcessCompleted']);
});

/** Stories that end in a failure of the signal, with what is left of it. */
const failures: { readonly [name: string]: readonly [Story, readonly string[]] } = {
  'the venue refuses it': [
    {
      happenings: [
        candle(100, 100, 100, 100),
        buy('1', { execution: { ...free, rejectionRate: '1' } }),
        settled,
        candle(100, 100, 100, 100),
        settled,
      ],
    },
    [
      'OrderPlaced',
      'OrderClosed 0 VENUE_REJECTED',
      'ReservationReleased',
      'SignalFailed VENUE_REJECTED',
    ],
  ],
  'its limit is not reached': [
    {
      happenings: [
        candle(100, 100, 100, 100),
        buy('1', { limitPrice: '50', goodForCandles: 1 }),
        settled,
        candle(100, 100, 100, 100),
        settled,
      ],
    },
    [
      'OrderPlaced',
      'OrderClosed 0 ORDER_EXPIRED',
      'ReservationReleased',
      'SignalFailed ORDER_EXPIRED',
    ],
  ],
  'no candle comes in time': [
    { happenings: [candle(100, 100, 100, 100), buy('1'), settled, { wait: 'time over' }] },
    [
      'OrderPlaced',
      'OrderClosed 0 ORDER_CANCELLED',
      'ReservationReleased',
      'SignalFailed STEP_TIME_LIMIT',
    ],
  ],
  'its time is over in the middle': [
    {
      happenings: [
        candle(100, 100, 100, 100),
        buy('2', { execution: { ...free, participation: '0.1' } }),
        settled,
        candle(100, 100, 100, 100, 10),
        settled,
        { wait: 'time over' },
      ],
    },
    [
      'OrderPlaced',
      'OrderFilled 1 at 100',
      'OrderClosed 1 ORDER_CANCELLED',
      // What was filled is the portfolio's.
      'TradeRecorded 1 at 100: 900, 1',
      'ReservationReleased',
      'SignalFailed STEP_TIME_LIMIT',
    ],
  ],
};

describe('a signal fails, and frees what was reserved, where', () => {
  test.each(Object.entries(failures))('%s', async (_name, [story, end]) => {
    const { events, unfinished } = await told(story);
    const [accepted, started, reserved, ...rest] = gistOf(events);
    expect([accepted, started]).toEqual(begun);
    expect(reserved).toMatch(/^FundsReserved/);
    expect(rest).toEqual(end);
    expect(unfinished).toBe(0);
    expect(outcomesOf(events)).toEqual({ started: 1, ends: ['ProcessCompensated'] });
  });

  test('others have taken the cash since it was accepted', async () => {
    const happenings = [candle(100, 100, 100, 100), buy('6'), buy('6'), settled];
    const { events } = await told({ happenings });
    const gist = gistOf(events);
    expect(gist.filter((one) => one.startsWith('FundsReserved'))).toEqual(['FundsReserved 630/0']);
    expect(gist).toContain('SignalFailed INSUFFICIENT_CASH');
    expect(gist.filter((one) => one === 'OrderPlaced')).toHaveLength(1);
    expect(outcomesOf(events).ends).toEqual(['ProcessCompensated']);
  });
});

test('candles that come before the order is placed fill it, too', async () => {
  const happenings = [candle(100, 100, 100, 100), buy('1'), candle(90, 90, 90, 90), settled];
  const { events } = await told({ happenings });
  expect(gistOf(events)).toContain('TradeRecorded 1 at 90: 910, 1');
  expect(outcomesOf(events).ends).toEqual(['ProcessCompleted']);
});

// SIGNAL_KILLS=1000 npm test -- signal/process: every append of every story. A few run every time.
const runs = Number(process.env.SIGNAL_KILLS ?? 4);

describe('a write server that is killed at any append', () => {
  const stories = { bought: boughtAndStopped, trailed, ...onlyStories(failures) };
  test.each(Object.entries(stories))(
    'leads to what it would have led to (%s)',
    async (name, story) => {
      const whole = await told(story);
      const expected = gistOf(whole.events);
      const step = Math.max(1, Math.ceil(whole.appends / runs));
      for (let at = name.length % step; at < whole.appends; at += step) {
        for (const when of ['before', 'after'] as const) {
          const { events, unfinished } = await told(story, { at, when });
          const label = `killed ${when} append ${at}`;
          expect([label, ...gistOf(events)]).toEqual([label, ...expected]);
          expect([label, unfinished]).toEqual([label, 0]);
          expect(outcomesOf(events)).toEqual(outcomesOf(whole.events));
        }
      }
    },
    600_000,
  );
});

function onlyStories(all: typeof failures) {
  return Object.fromEntries(Object.entries(all).map(([name, [story]]) => [name, story]));
}
