import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { add, decimal, mul, round, sub, toText, zero } from '../../../src/kernel/decimal.ts';
import {
  applyBuy,
  applySell,
  type Buy,
  type CostBasisPosition,
  emptyPosition,
  type Sell,
  unrealisedGain,
} from '../../../src/trading/views/cost-basis.ts';
import type { CostBasisMethod } from '../../../src/trading/views/lots/lot.ts';
import { lotsOf } from '../../../src/trading/views/lots/lot-book.ts';
import { sharedData } from '../../support/shared-data.ts';

type Trade = [time: string, side: 'buy' | 'sell', quantity: string, amount: string | null];
type Figures = Readonly<Record<string, string | [string, string][]>>;

interface TradesCase {
  readonly id: string;
  readonly trades: readonly Trade[];
  readonly price: string | null;
  readonly expected: {
    readonly remaining: string;
    readonly fifo?: Figures;
    readonly average?: Figures;
  };
}

interface AverageStep {
  readonly op: 'buy' | 'sell';
  readonly qty: string;
  readonly price: string;
  readonly pnl?: string;
  readonly total: string;
  readonly amount: string;
  readonly missing?: string;
}

interface OracleLot {
  readonly id: string;
  readonly t: number;
  readonly qty: string;
  readonly rate: string;
}

interface OrderStep {
  readonly add?: OracleLot;
  readonly sell?: string;
  readonly remaining?: readonly [string, string][];
  readonly found?: string;
  readonly missing?: string;
}

interface Oracle {
  readonly cases: readonly (
    | (TradesCase & { readonly kind?: never })
    | { readonly id: string; readonly kind: 'stepwise-average'; readonly steps: AverageStep[] }
    | {
        readonly id: string;
        readonly kind: 'lot-order';
        readonly method: string;
        readonly lots: OracleLot[];
        readonly steps: OrderStep[];
      }
  )[];
}

const { cases } = JSON.parse(sharedData('oracles/cost-basis-cases.json')) as Oracle;
const methods: readonly CostBasisMethod[] = ['FIFO', 'LIFO', 'HIFO', 'AVERAGE'];
const times = (a: string, b: string) => toText(mul(decimal(a), decimal(b)));
const sum = (texts: readonly string[]) =>
  toText(texts.reduce((total, text) => add(total, decimal(text)), zero));

const openLots = ({ method, lots }: CostBasisPosition) => lotsOf(method, lots);

/** A position with trades applied one after another. */
function openPosition(position: CostBasisPosition) {
  let now = position;
  return {
    buy: (buy: Buy) => {
      now = applyBuy(now, buy);
    },
    sell: (sell: Sell) => {
      const { position: after, ...sale } = applySell(now, sell);
      now = after;
      return sale;
    },
    toJson: () => now,
  };
}

describe('cases of public test suites', () => {
  const tradesCases = cases.filter((one) => one.kind === undefined);

  test('there are cases of every kind', () => {
    const kinds = cases.map(({ kind = 'trades' }) => kind);
    expect([...new Set(kinds)].sort()).toEqual(['lot-order', 'stepwise-average', 'trades']);
  });

  describe.each(tradesCases)('$id', ({ trades, price, expected }) => {
    const { remaining, ...byMethod } = expected;

    test.each(Object.entries(byMethod))('%s', (name, figures) => {
      const working = openPosition(emptyPosition(name.toUpperCase() as CostBasisMethod));
      const sales = [];
      for (const [at, [time, side, quantity, amount]] of trades.entries()) {
        if (side === 'buy') working.buy({ id: `${at}`, time, quantity, cost: amount ?? '' });
        else sales.push({ time, ...working.sell({ quantity, proceeds: amount ?? '0' }) });
      }
      const position = working.toJson();
      expect(position.quantity).toBe(remaining);
      const consumed = sales.flatMap(({ time, consumed: lots }) =>
        lots.map((lot) => ({ ...lot, soldAfterAYear: addYear(lot.time) < time })),
      );
      const heldCost = (overAYear: boolean) =>
        sum(consumed.filter((lot) => lot.soldAfterAYear === overAYear).map(({ cost }) => cost));
      const actual: Record<string, unknown> = {
        cost: position.cost,
        realized: position.realised,
        unrealized: price === null ? undefined : unrealisedGain(position, price),
        costOfSold: sum(sales.map(({ cost }) => cost)),
        matched: consumed.map(({ quantity, cost }) => [quantity, cost]),
        holdingOver1yCost: heldCost(true),
        holdingUnder1yCost: heldCost(false),
      };
      for (const [key, figure] of Object.entries(figures)) {
        // The figures are rounded to cents, as amounts of their currencies are shown; none is left
        // where none is to be left.
        const cents = (value: unknown) =>
          typeof value === 'string' && figure !== '0'
            ? toText(round(decimal(value), 2, 'HALF_UP'))
            : value;
        expect([key, cents(actual[key])]).toEqual([key, cents(figure)]);
      }
    });
  });

  test.each(cases.filter((one) => one.kind === 'stepwise-average'))('$id', ({ steps }) => {
    const working = openPosition(emptyPosition('AVERAGE'));
    for (const [at, step] of steps.entries()) {
      const { qty: quantity, price } = step;
      const amount = times(quantity, price);
      const actual: Record<string, string> = {};
      if (step.op === 'buy') working.buy({ id: `${at}`, time: `${at}`, quantity, cost: amount });
      else {
        const { realised, missing } = working.sell({ quantity, proceeds: amount });
        actual.pnl = realised;
        if (missing !== '0') actual.missing = missing;
      }
      const { quantity: held, cost } = working.toJson();
      expect({ ...step, ...actual, total: cost, amount: held }).toEqual(step);
    }
  });

  test.each(cases.filter((one) => one.kind === 'lot-order'))('$id', ({ method, lots, steps }) => {
    const working = openPosition(emptyPosition(method.toUpperCase() as CostBasisMethod));
    const buy = ({ id, t, qty, rate }: OracleLot) =>
      working.buy({
        id: id,
        time: `${t}`.padStart(4, '0'),
        quantity: qty,
        cost: times(qty, rate),
      });
    lots.forEach(buy);
    for (const step of steps) {
      if (step.add !== undefined) buy(step.add);
      if (step.sell === undefined) continue;
      const sale = working.sell({ quantity: step.sell, proceeds: '0' });
      expect(sale.missing).toBe(step.missing ?? '0');
      if (step.found) expect(sum(sale.consumed.map(({ quantity }) => quantity))).toBe(step.found);
      if (step.remaining) {
        const open = openLots(working.toJson()).map(({ id, quantity }) => [id, quantity]);
        expect(open.sort()).toEqual([...step.remaining].sort());
      }
    }
  });
});

function addYear(date: string): string {
  return `${Number(date.slice(0, 4)) + 1}${date.slice(4)}`;
}

type Activity = ({ readonly side: 'buy' } & Buy) | ({ readonly side: 'sell' } & Sell);

const amount = (most: number) => fc.integer({ min: 1, max: most }).map((n) => toDecimals(n));
const toDecimals = (n: number) => times(`${n}`, '0.001');

/** Few times and few unit costs, so that equals are common; some trades come late. */
const activities: fc.Arbitrary<Activity[]> = fc
  .array(
    fc.record({
      isBuy: fc.boolean(),
      quantity: amount(9),
      cost: fc.oneof(amount(9), amount(999_999)),
      time: fc.integer({ min: 10, max: 99 }).map(String),
    }),
    { maxLength: 60 },
  )
  .map((rows) =>
    rows.map(({ isBuy, quantity, cost, time }, at) =>
      isBuy
        ? { side: 'buy', id: `t${at}`, time, quantity, cost }
        : { side: 'sell', quantity, proceeds: cost },
    ),
  );

/** The lots in the order of a method, by sorting them all. */
function inOrderOf(method: CostBasisMethod, position: CostBasisPosition): string[] {
  const lots = openLots(position).map((lot, at) => ({ ...lot, at }));
  lots.sort((a, b) => {
    if (method === 'HIFO') {
      const left = BigInt(times(a.boughtCost, '1000')) * BigInt(times(b.boughtQuantity, '1000'));
      const right = BigInt(times(b.boughtCost, '1000')) * BigInt(times(a.boughtQuantity, '1000'));
      if (left !== right) return left > right ? -1 : 1;
    }
    return method === 'LIFO' ? b.at - a.at : a.at - b.at;
  });
  return lots.map(({ id }) => id);
}

describe.each(methods)('%s over random trades', (method) => {
  const run = (check: (trades: Activity[]) => void) =>
    fc.assert(fc.property(activities, check), { numRuns: 200 });

  test('no cost and no quantity is lost or made', () => {
    run((trades) => {
      const working = openPosition(emptyPosition(method));
      let [bought, paid, sold, removed, gained] = [zero, zero, zero, zero, zero];
      for (const trade of trades) {
        if (trade.side === 'buy') {
          working.buy(trade);
          bought = add(bought, decimal(trade.quantity));
          paid = add(paid, decimal(trade.cost));
          continue;
        }
        const sale = working.sell(trade);
        expect(sum(sale.consumed.map(({ cost }) => cost))).toBe(sale.cost);
        const found = sum(sale.consumed.map(({ quantity }) => quantity));
        expect(sum([found, sale.missing])).toBe(trade.quantity);
        expect(sum([sale.realised, sale.cost])).toBe(trade.proceeds);
        for (const { cost } of sale.consumed) expect(Number(cost)).toBeGreaterThanOrEqual(0);
        sold = add(sold, decimal(found));
        removed = add(removed, decimal(sale.cost));
        gained = add(gained, decimal(sale.realised));
      }
      const position = working.toJson();
      expect(position.quantity).toBe(toText(sub(bought, sold)));
      expect(position.cost).toBe(toText(sub(paid, removed)));
      expect(position.realised).toBe(toText(gained));
      expect(sum(openLots(position).map(({ quantity }) => quantity))).toBe(position.quantity);
      expect(sum(openLots(position).map(({ cost }) => cost))).toBe(position.cost);
      expect(openLots(position).map(({ time }) => time)).toEqual(
        openLots(position)
          .map(({ time }) => time)
          .sort(),
      );
    });
  });

  test('one by one through JSON gives the same as in one go', () => {
    run((trades) => {
      const working = openPosition(emptyPosition(method));
      let position = emptyPosition(method);
      for (const trade of trades) {
        if (trade.side === 'buy') {
          working.buy(trade);
          position = applyBuy(position, trade);
        } else {
          const { position: after, ...sale } = applySell(position, trade);
          expect(sale).toEqual(working.sell(trade));
          position = after;
        }
        position = JSON.parse(JSON.stringify(position));
      }
      expect(position).toEqual(working.toJson());
    });
  });

  test('a position that was handed out stays as it was', () => {
    run((trades) => {
      const working = openPosition(emptyPosition(method));
      const handedOut = trades.map((trade) => {
        if (trade.side === 'buy') working.buy(trade);
        else working.sell(trade);
        const position = working.toJson();
        return { position, text: JSON.stringify(position) };
      });
      for (const { position, text } of handedOut) expect(JSON.stringify(position)).toBe(text);
    });
  });

  test('a sale takes the lots in the order of the method', () => {
    run((trades) => {
      const working = openPosition(emptyPosition(method));
      for (const trade of trades) {
        if (trade.side === 'buy') {
          working.buy(trade);
          continue;
        }
        const order = inOrderOf(method, working.toJson());
        const taken = working.sell(trade).consumed.map(({ id }) => id);
        expect(taken).toEqual(order.slice(0, taken.length));
      }
    });
  });
});

describe('rules', () => {
  const held = applyBuy(emptyPosition('FIFO'), {
    id: 'a',
    time: '1',
    quantity: '3',
    cost: '1',
  });

  test('a part of a lot takes its part of the cost, and the lot keeps the rest', () => {
    const { position, ...sale } = applySell(held, { quantity: '1.0', proceeds: '0.50' });
    expect(sale).toEqual({
      realised: '0.16666666666666666667',
      cost: '0.33333333333333333333',
      consumed: [{ id: 'a', time: '1', quantity: '1', cost: '0.33333333333333333333' }],
      missing: '0',
    });
    expect(position).toEqual({
      method: 'FIFO',
      lots: [['a 1 3 1 2']],
      quantity: '2',
      cost: '0.66666666666666666667',
      realised: '0.16666666666666666667',
    });
    expect(openLots(position)).toEqual([
      {
        id: 'a',
        time: '1',
        quantity: '2',
        cost: '0.66666666666666666667',
        boughtQuantity: '3',
        boughtCost: '1',
      },
    ]);
  });

  test('roundings of one sale do not add to those of the next', () => {
    const working = openPosition(held);
    working.sell({ quantity: '1', proceeds: '0' });
    working.sell({ quantity: '1', proceeds: '0' });
    expect(working.toJson().cost).toBe('0.33333333333333333333');
  });

  test.each(methods)('%s leaves the position that it was opened from as it is', (method) => {
    const two = applyBuy(
      applyBuy(emptyPosition(method), { id: 'a', time: '1', quantity: '1', cost: '1' }),
      { id: 'b', time: '2', quantity: '1', cost: '2' },
    );
    const text = JSON.stringify(two);
    const working = openPosition(two);
    working.sell({ quantity: '0.5', proceeds: '1' });
    working.buy({ id: 'c', time: '0', quantity: '1', cost: '3' });
    working.sell({ quantity: '2', proceeds: '1' });
    expect(JSON.stringify(two)).toBe(text);
  });

  test('of lots of the same time and unit cost HIFO sells the first to come', () => {
    const working = openPosition(emptyPosition('HIFO'));
    for (const id of ['a', 'b', 'c']) {
      working.buy({ id, time: '1', quantity: '1', cost: '1' });
    }
    const { consumed } = working.sell({ quantity: '3', proceeds: '0' });
    expect(consumed.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  test('proceeds under zero, of fees above the price, are a loss', () => {
    expect(applySell(held, { quantity: '3', proceeds: '-0.1' }).realised).toBe('-1.1');
  });

  test('of lots with the same unit cost HIFO sells the older first, sold from or not', () => {
    const working = openPosition(emptyPosition('HIFO'));
    working.buy({ id: 'b', time: '2', quantity: '6', cost: '2' });
    working.buy({ id: 'a', time: '1', quantity: '3', cost: '1' });
    const sell = () => working.sell({ quantity: '2', proceeds: '0' }).consumed;
    expect([sell(), sell()].flat().map(({ id }) => id)).toEqual(['a', 'a', 'b']);
  });

  test.each(['0', '-1'])('a quantity of %s is a fault', (quantity) => {
    const fault = new RangeError(`a quantity of ${quantity} is not over zero`);
    expect(() => applySell(held, { quantity, proceeds: '1' })).toThrow(fault);
    expect(() => applyBuy(held, { id: 'b', time: '2', quantity, cost: '1' })).toThrow(fault);
  });

  test('a cost under zero is a fault', () => {
    const buy = { id: 'b', time: '2', quantity: '1', cost: '-1' };
    expect(() => applyBuy(held, buy)).toThrow(new RangeError('a cost of -1 is under zero'));
  });
});

test.each(methods)('%s: thousands of lots, all sold in the end', (method) => {
  const working = openPosition(emptyPosition(method));
  const count = 5000;
  for (let i = 0; i < count; i += 1) {
    const cost = `${(i * 7919) % 1000}.5`;
    working.buy({ id: `b${i}`, time: `${100_000 + i}`, quantity: '2', cost });
  }
  let consumed = 0;
  for (let i = 0; i < count; i += 1) {
    consumed += working.sell({ quantity: '1.5', proceeds: '1' }).consumed.length;
    // To open it again at any point changes nothing in the sum.
    if (i === count / 2)
      expect(JSON.parse(JSON.stringify(working.toJson()))).toEqual(working.toJson());
  }
  expect(working.toJson().quantity).toBe('2500');
  expect(sum(openLots(working.toJson()).map(({ quantity }) => quantity))).toBe('2500');
  const last = working.sell({ quantity: '2500', proceeds: '0' });
  expect(consumed + last.consumed.length).toBeGreaterThanOrEqual(count);
  expect(last.missing).toBe('0');
  expect(working.toJson()).toMatchObject({ lots: [], quantity: '0', cost: '0' });
});
