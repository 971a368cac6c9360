import { describe, expect, test } from '@jest/globals';
import { free } from '../../../support/signal-desk.ts';
import {
  begun,
  buy,
  candle,
  gistOf,
  outcomesOf,
  type Story,
  settled,
  told,
  toldWithDeaths,
} from '../../../support/signal-story.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const folder = temporaryFolder();

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

describe('a signal is led through', () => {
  test('reserve, fill in parts, settle, and leave at the stop', async () => {
    const { events, unfinished } = await told(folder, boughtAndStopped);
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
      'SignalExitReached 2',
      ...begun,
      'FundsReserved 0/2',
      'OrderPlaced',
      'OrderFilled 2 at 90.18',
      'OrderClosed 2',
      'TradeRecorded 2 at 90.18: 979.96, 0',
      'ReservationReleased',
      'SignalSettled',
      'SignalExitsEnded',
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
  const { events } = await told(folder, trailed);
  const gist = gistOf(events);
  expect(gist).toContain('TradeRecorded 2 at 99: 998, 0');
  expect(gist.filter((one) => one.startsWith('SignalExitReached'))).toHaveLength(1);
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
    const { events, unfinished } = await told(folder, story);
    const [accepted, started, reserved, ...rest] = gistOf(events);
    expect([accepted, started]).toEqual(begun);
    expect(reserved).toMatch(/^FundsReserved/);
    expect(rest).toEqual(end);
    expect(unfinished).toBe(0);
    expect(outcomesOf(events)).toEqual({ started: 1, ends: ['ProcessCompensated'] });
  });

  test('others have taken the cash since it was accepted', async () => {
    const happenings = [candle(100, 100, 100, 100), buy('6'), buy('6'), settled];
    const { events } = await told(folder, { happenings });
    const gist = gistOf(events);
    expect(gist.filter((one) => one.startsWith('FundsReserved'))).toEqual(['FundsReserved 630/0']);
    expect(gist).toContain('SignalFailed INSUFFICIENT_CASH');
    expect(gist.filter((one) => one === 'OrderPlaced')).toHaveLength(1);
    expect(outcomesOf(events).ends).toEqual(['ProcessCompensated']);
  });
});

test('candles that come before the order is placed fill it, too', async () => {
  const happenings = [candle(100, 100, 100, 100), buy('1'), candle(90, 90, 90, 90), settled];
  const { events } = await told(folder, { happenings });
  expect(gistOf(events)).toContain('TradeRecorded 1 at 90: 910, 1');
  expect(outcomesOf(events).ends).toEqual(['ProcessCompleted']);
});

describe('a write server that is killed at any append', () => {
  const stories = { bought: boughtAndStopped, trailed, ...onlyStories(failures) };
  test.each(Object.entries(stories))(
    'leads to what it would have led to (%s)',
    (name, story) => toldWithDeaths(folder, name, story),
    600_000,
  );
});

function onlyStories(all: typeof failures) {
  return Object.fromEntries(Object.entries(all).map(([name, [story]]) => [name, story]));
}
