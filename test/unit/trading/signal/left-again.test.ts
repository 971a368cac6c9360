import { describe, expect, test } from '@jest/globals';
import { TradeSide } from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { uniformOf } from '../../../../src/trading/model/chance.ts';
import { exitIdAt } from '../../../../src/trading/model/exit-id.ts';
import { free } from '../../../support/signal-desk.ts';
import {
  begun,
  buy,
  candle,
  gistOf,
  outcomesOf,
  type Story,
  settled,
  signalIdAt,
  told,
  toldWithDeaths,
} from '../../../support/signal-story.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

// A position whose exit has come to nothing, or not to all, is left all the same.

const folder = temporaryFolder();
const risk = { stopLoss: '0.1' };
const thin = { ...free, participation: '0.1' };

/** Bought at 100, with a stop loss at 90. */
const bought = (execution: object = free) => [
  candle(100, 100, 100, 100),
  buy('2', { execution }),
  settled,
  candle(100, 100, 100, 100, 1000),
  settled,
];
const days = (...candles: readonly ReturnType<typeof candle>[]) =>
  candles.flatMap((one) => [one, settled]);

/** A venue that takes the purchase, refuses two exits, and takes the third. */
function picky() {
  const purchase = signalIdAt(1);
  const isRefused = (seed: number, id: string) => uniformOf(`${seed} ${id}`) < 0.5;
  for (let seed = 0; seed < 10_000; seed += 1) {
    const wanted = !isRefused(seed, purchase) && !isRefused(seed, exitIdAt(purchase, 3));
    const exits = [exitIdAt(purchase, 1), exitIdAt(purchase, 2)];
    if (!wanted || !exits.every((id) => isRefused(seed, id))) continue;
    return { ...free, rejectionRate: '0.5', seed: String(seed) };
  }
  throw new Error('the ids of the exits are not what they should be');
}

const refused: Story = {
  risk,
  happenings: [
    ...bought(picky()),
    ...days(
      candle(95, 95, 89, 91),
      candle(91, 99, 91, 95),
      candle(95, 95, 88, 92),
      candle(89, 91, 85, 86),
    ),
  ],
};

const failed = (code: string) => [
  'OrderPlaced',
  `OrderClosed 0 ${code}`,
  'ReservationReleased',
  `SignalFailed ${code}`,
];
const sold = (quantity: string, price: string, trade: string) => [
  'OrderPlaced',
  `OrderFilled ${quantity} at ${price}`,
  `OrderClosed ${quantity}`,
  `TradeRecorded ${quantity} at ${price}: ${trade}`,
  'ReservationReleased',
  'SignalSettled',
  'SignalExitsEnded',
];

/** What followed the purchase. */
async function behindPurchase(story: Story) {
  const { events, unfinished } = await told(folder, story);
  expect(unfinished).toBe(0);
  const gist = gistOf(events);
  return { gist: gist.slice(gist.indexOf('SignalSettled') + 1), events };
}

test('a position whose exits the venue refuses is left at the next candle at the level', async () => {
  const { gist, events } = await behindPurchase(refused);
  const attempt = ['SignalExitReached 2', ...begun, 'FundsReserved 0/2'];
  expect(gist).toEqual([
    ...[...attempt, ...failed('VENUE_REJECTED'), 'SignalExitsRearmed 2'],
    // The second candle is not at the level.
    ...[...attempt, ...failed('VENUE_REJECTED'), 'SignalExitsRearmed 2'],
    ...[...attempt, ...sold('2', '89', '978, 0')],
  ]);
  const { ends } = outcomesOf(events);
  expect(ends.filter((one) => one === 'ProcessCompensated')).toHaveLength(2);
});

/** Somebody else is about to sell it, at a price that is not reached. */
const reserved: Story = {
  risk,
  happenings: [
    ...bought(),
    buy('2', { side: TradeSide.SELL, limitPrice: '500', goodForCandles: 8 }),
    settled,
    ...days(
      candle(95, 95, 89, 91),
      candle(91, 91, 88, 91),
      candle(91, 91, 91, 91),
      candle(88, 91, 80, 85),
    ),
  ],
};

test('a position that is reserved elsewhere is left when it is free again', async () => {
  const { gist } = await behindPurchase(reserved);
  const attempt = ['SignalExitReached 2', ...begun];
  expect(gist).toEqual([
    ...[...begun, 'FundsReserved 0/2', 'OrderPlaced'],
    ...[...attempt, 'SignalFailed INSUFFICIENT_POSITION', 'SignalExitsRearmed 2'],
    ...[...attempt, 'SignalFailed INSUFFICIENT_POSITION', 'SignalExitsRearmed 2'],
    ...failed('ORDER_EXPIRED').slice(1),
    ...[...attempt, 'FundsReserved 0/2', ...sold('2', '88', '976, 0')],
  ]);
});

/** As much is free as somebody else does not want. */
const shared: Story = {
  risk,
  happenings: [
    ...bought(),
    buy('1.5', { side: TradeSide.SELL, limitPrice: '500', goodForCandles: 6 }),
    settled,
    ...days(candle(95, 95, 89, 91), candle(91, 91, 91, 91), candle(88, 91, 80, 85)),
  ],
};

test('of a position that is reserved elsewhere in part, the rest is left at once', async () => {
  const { gist } = await behindPurchase(shared);
  expect(gist).toEqual([
    ...[...begun, 'FundsReserved 0/1.5', 'OrderPlaced'],
    ...['SignalExitReached 2', ...begun, 'FundsReserved 0/0.5'],
    ...[...sold('0.5', '90', '845, 1.5').slice(0, -1), 'SignalExitsRearmed 1.5'],
    ...failed('ORDER_EXPIRED').slice(1),
    ...['SignalExitReached 1.5', ...begun, 'FundsReserved 0/1.5'],
    ...sold('1.5', '88', '977, 0'),
  ]);
});

/** Too thin a market for all of it, until the candles of the first exit are over. */
const expired: Story = {
  risk,
  happenings: [
    ...bought(thin),
    ...days(
      candle(95, 95, 89, 91, 12),
      ...Array.from({ length: 5 }, () => candle(91, 91, 91, 91, 0)),
      candle(91, 91, 91, 91, 1000),
      candle(91, 91, 90, 91, 1000),
    ),
  ],
};

test('of an exit that expires with a part, the rest is left at the next candle', async () => {
  const { gist } = await behindPurchase(expired);
  expect(gist).toEqual([
    ...['SignalExitReached 2', ...begun, 'FundsReserved 0/2', 'OrderPlaced'],
    ...['OrderFilled 1.2 at 90', 'OrderClosed 1.2 ORDER_EXPIRED'],
    ...['TradeRecorded 1.2 at 90: 908, 0.8', 'ReservationReleased', 'SignalSettled'],
    ...['SignalExitsRearmed 0.8', 'SignalExitReached 0.8', ...begun, 'FundsReserved 0/0.8'],
    ...sold('0.8', '90', '980, 0'),
  ]);
});

/** No candle comes until the process gives up; what it had sold by then stays sold. */
const late: Story = {
  risk,
  happenings: [
    ...bought(thin),
    ...days(candle(95, 95, 89, 91, 12)),
    { wait: 'time over' },
    ...days(candle(91, 91, 89, 91, 1000)),
  ],
};

test('of an exit whose time is over, the rest is left at the next candle', async () => {
  const { gist } = await behindPurchase(late);
  expect(gist.slice(6)).toEqual([
    ...['OrderClosed 1.2 ORDER_CANCELLED', 'TradeRecorded 1.2 at 90: 908, 0.8'],
    ...['ReservationReleased', 'SignalFailed STEP_TIME_LIMIT', 'SignalExitsRearmed 0.8'],
    ...['SignalExitReached 0.8', ...begun, 'FundsReserved 0/0.8', ...sold('0.8', '90', '980, 0')],
  ]);
});

/** Candles that come while the exit is under way were not shown to the purchase. */
const hurried: Story = {
  risk,
  happenings: [
    ...bought(picky()),
    candle(95, 95, 89, 91),
    candle(91, 99, 91, 95),
    candle(95, 95, 88, 92),
    candle(89, 91, 85, 86),
    settled,
  ],
};

test('candles that came together lead to what they would have led to one by one', async () => {
  const [together, apart] = [await behindPurchase(hurried), await behindPurchase(refused)];
  expect(together.gist).toEqual(apart.gist);
});

describe('a write server that is killed at any append', () => {
  const stories = { refused, reserved, shared, expired, late, hurried };
  test.each(Object.entries(stories))(
    'leads to what it would have led to (%s)',
    (name, story) => toldWithDeaths(folder, name, story),
    600_000,
  );
});
