import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  add,
  compare,
  decimal,
  isZero,
  sub,
  toText,
  zero,
} from '../../../../src/kernel/decimal.ts';
import { uniformOf } from '../../../../src/trading/model/chance.ts';
import {
  afterFills,
  type FillCandle,
  type FillModel,
  type FillOutcome,
  type FillRules,
  fillsOf,
  type WorkingOrder,
} from '../../../../src/trading/model/fills.ts';

const day = 86_400;

const candle = (over: Partial<Record<keyof FillCandle, string>> = {}): FillCandle => ({
  start: Number(over.start ?? day),
  seconds: day,
  open: decimal(over.open ?? '100'),
  high: decimal(over.high ?? '110'),
  low: decimal(over.low ?? '90'),
  close: decimal(over.close ?? '105'),
  volume: decimal(over.volume ?? '50'),
});

const model: FillModel = {
  feeRate: decimal('0.001'),
  slippage: decimal('0.0005'),
  delayCandles: 0,
  rejectionRate: zero,
  seed: 'seed',
};

const rules: FillRules = {
  tickSize: decimal('0.01'),
  lotSize: decimal('0.1'),
  minimumOrderSize: decimal('0.5'),
};

const order = (over: Partial<WorkingOrder> = {}): WorkingOrder => ({
  ...{ id: 'order', side: 'BUY', quantity: decimal('2'), filled: zero, spent: zero },
  placedAfter: 0,
  ...over,
});

const plain = ({ status, fills, left, reason }: FillOutcome) => ({
  status,
  fills: fills.map((fill) => [
    toText(fill.quantity),
    toText(fill.price),
    toText(fill.fee),
    fill.at,
  ]),
  left: toText(left),
  ...(reason && { reason }),
});

describe('What an order gets out of a candle', () => {
  test('a market order has the opening price, worse by the slippage, and pays the fee', () => {
    expect(plain(fillsOf(order(), candle(), model, rules))).toEqual({
      status: 'FILLED',
      fills: [['2', '100.05', '0.2001', day]],
      left: '0',
    });
    expect(plain(fillsOf(order({ side: 'SELL' }), candle(), model, rules)).fills).toEqual([
      ['2', '99.95', '0.1999', day],
    ]);
  });

  test('the price is on the tick, half up', () => {
    const opening = candle({ open: '100.1', high: '111' });
    // 100.1 * 1.0005 = 100.15005, and 100.1 * 0.9995 = 100.04995
    expect(plain(fillsOf(order(), opening, model, rules)).fills[0]?.[1]).toBe('100.15');
    expect(plain(fillsOf(order({ side: 'SELL' }), opening, model, rules)).fills[0]?.[1]).toBe(
      '100.05',
    );
  });

  test.each([
    ['BUY', '101', '100.05', day],
    ['BUY', '100.02', '100.02', day],
    ['BUY', '95.019', '95.01', 2 * day],
    ['BUY', '89', undefined, undefined],
    ['SELL', '99', '99.95', day],
    ['SELL', '109.001', '109.01', 2 * day],
    ['SELL', '110.001', undefined, undefined],
  ] as const)('a %s with the limit %s has %s', (side, limit, price, at) => {
    const limited = order({ side, limitPrice: decimal(limit) });
    const { status, fills } = plain(fillsOf(limited, candle(), model, rules));
    expect([status, fills[0]?.[1], fills[0]?.[3]]).toEqual([price ? 'FILLED' : 'OPEN', price, at]);
  });

  test.each([
    ['SELL', '95', '94.95', 2 * day],
    ['SELL', '102', '99.95', day],
    ['SELL', '89', undefined, undefined],
    ['BUY', '105', '105.05', 2 * day],
    ['BUY', '111', undefined, undefined],
  ] as const)('a %s with the stop %s has %s', (side, stop, price, at) => {
    const stopped = order({ side, stopPrice: decimal(stop) });
    const outcome = fillsOf(stopped, candle(), model, rules);
    const { fills } = plain(outcome);
    expect([fills[0]?.[1], fills[0]?.[3], outcome.triggered]).toEqual([
      price,
      at,
      price !== undefined,
    ]);
  });

  test('a stop that is reached stays reached, also where its limit is not', () => {
    const stopped = order({ side: 'SELL', stopPrice: decimal('95'), limitPrice: decimal('112') });
    const first = fillsOf(stopped, candle(), model, rules);
    expect([first.status, first.triggered]).toEqual(['OPEN', true]);
    const higher = candle({ start: String(2 * day), open: '111', high: '120', low: '111' });
    expect(plain(fillsOf(afterFills(stopped, first), higher, model, rules)).fills).toEqual([
      ['2', '112', '0.224', 3 * day],
    ]);
  });

  test('candles within the delay, and the one it was placed after, fill nothing', () => {
    const late = { ...model, delayCandles: 2 };
    const at = (start: number) =>
      fillsOf(order(), candle({ start: String(start * day) }), late, rules).status;
    expect([0, 1, 2, 3].map(at)).toEqual(['WAITING', 'WAITING', 'WAITING', 'FILLED']);
  });

  test('no more than the share of the volume is filled, in whole lots', () => {
    const shared = { ...model, participation: decimal('0.025') };
    const first = fillsOf(order(), candle(), shared, rules);
    expect(plain(first)).toMatchObject({ status: 'OPEN', left: '0.8' });
    expect(plain(first).fills[0]?.[0]).toBe('1.2');
    const second = candle({ start: String(2 * day) });
    expect(plain(fillsOf(afterFills(order(), first), second, shared, rules))).toMatchObject({
      status: 'FILLED',
      left: '0',
    });
  });

  test('what is left stays tradable', () => {
    const shared = { ...model, participation: decimal('0.036') };
    // 1.8 are there, and 0.2 would be below the minimum.
    expect(plain(fillsOf(order(), candle(), shared, rules))).toMatchObject({ left: '0.5' });
    const little = { ...model, participation: decimal('0.008') };
    expect(plain(fillsOf(order(), candle(), little, rules))).toEqual({
      ...{ status: 'OPEN', fills: [], left: '2' },
    });
  });

  test('a quantity below the minimum, and what chance refuses, is rejected', () => {
    const small = order({ quantity: decimal('0.49') });
    expect(plain(fillsOf(small, candle(), model, rules)).reason).toBe('QUANTITY_BELOW_MINIMUM');
    const half = { ...model, rejectionRate: decimal('0.5') };
    const refused = Array.from({ length: 2000 }, (_, at) =>
      fillsOf(order({ id: `order-${at}` }), candle(), half, rules),
    ).filter(({ status }) => status === 'REJECTED').length;
    expect(refused).toBeGreaterThan(900);
    expect(refused).toBeLessThan(1100);
    expect(uniformOf('a')).toBe(uniformOf('a'));
  });

  test('a purchase never costs more than its budget', () => {
    // 1.9 at 100.05 come to 190.095, and the fee of 0.190095 with it to 190.285095.
    const enough = order({ budget: decimal('190.285095') });
    expect(plain(fillsOf(enough, candle(), model, rules))).toEqual({
      ...{ status: 'EXHAUSTED', left: '0.1' },
      fills: [['1.9', '100.05', '0.190095', day]],
    });
    const short = order({ budget: decimal('190.285094') });
    expect(plain(fillsOf(short, candle(), model, rules)).fills[0]?.[0]).toBe('1.8');
    const little = order({ budget: decimal('50.07') });
    expect(plain(fillsOf(little, candle(), model, rules))).toEqual({
      ...{ status: 'EXHAUSTED', fills: [], left: '2' },
    });
  });

  test('the budget is that of all fills together', () => {
    const shared = { ...model, participation: decimal('0.01') };
    let working = order({ budget: decimal('120') });
    const statuses = [1, 2, 3].map((at) => {
      const outcome = fillsOf(working, candle({ start: String(at * day) }), shared, rules);
      working = afterFills(working, outcome);
      return [outcome.status, toText(working.filled)];
    });
    expect(statuses).toEqual([
      ['OPEN', '0.5'],
      ['OPEN', '1'],
      ['EXHAUSTED', '1'],
    ]);
  });

  test('over any candles nothing is filled twice or beyond, and prices keep to the candles', () => {
    const cents = (most: number) => fc.integer({ min: 1, max: most });
    const text = (value: number) => decimal((value / 100).toFixed(2));
    const candles = fc.array(fc.tuple(cents(9999), cents(9999), cents(9999), cents(5000)), {
      maxLength: 8,
    });
    const any = fc.record({
      side: fc.constantFrom('BUY' as const, 'SELL' as const),
      quantity: fc.integer({ min: 5, max: 60 }),
      limit: fc.option(cents(9999), { nil: undefined }),
      stop: fc.option(cents(9999), { nil: undefined }),
    });
    fc.assert(
      fc.property(candles, any, (drawn, { side, quantity, limit, stop }) => {
        const exact = { ...model, slippage: zero, participation: decimal('0.03') };
        let working: WorkingOrder = order({
          ...{ side, quantity: decimal((quantity / 10).toFixed(1)) },
          ...(limit && { limitPrice: text(limit) }),
          ...(stop && { stopPrice: text(stop) }),
        });
        for (const [at, [a, b, c, volume]] of drawn.entries()) {
          const [low, open, high] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
          const one: FillCandle = {
            ...{ start: (at + 1) * day, seconds: day, open: text(open), close: text(open) },
            ...{ low: text(low), high: text(high), volume: text(volume) },
          };
          const outcome = fillsOf(working, one, exact, rules);
          for (const fill of outcome.fills) {
            expect(compare(fill.price, one.low) >= 0 && compare(fill.price, one.high) <= 0).toBe(
              true,
            );
            if (working.limitPrice) {
              const better = compare(fill.price, working.limitPrice);
              expect(side === 'BUY' ? better <= 0 : better >= 0).toBe(true);
            }
            expect(compare(fill.quantity, rules.minimumOrderSize) >= 0).toBe(true);
          }
          working = afterFills(working, outcome);
          expect(toText(add(working.filled, outcome.left))).toBe(toText(working.quantity));
          const rest = sub(working.quantity, working.filled);
          expect(isZero(rest) || compare(rest, rules.minimumOrderSize) >= 0).toBe(true);
        }
      }),
    );
  });
});
