import { describe, expect, test } from '@jest/globals';
import {
  type Batching,
  firstBatching,
  largestSize,
  longestWaitMs,
  nextBatching,
  type Observation,
  smallestSize,
} from '../../../src/projection/batching.ts';

const behind = (events: number, applyMs: number): Observation => ({
  events,
  applyMs,
  sinceLastMs: applyMs,
  live: false,
});
const atTail = (applyMs: number, sinceLastMs: number): Observation => ({
  events: 5,
  applyMs,
  sinceLastMs,
  live: true,
});
const after = (seen: readonly Observation[], from: Batching = firstBatching) =>
  seen.reduce(nextBatching, from);

describe('behind the tail', () => {
  test('full batches double the size while an event gets no dearer, up to the largest', () => {
    expect(nextBatching(firstBatching, behind(500, 10)).size).toBe(1_000);
    const steps = [500, 1_000, 2_000, 4_000, 5_000, 5_000];
    expect(after(steps.map((size) => behind(size, size / 50))).size).toBe(largestSize);
  });

  test('a size at which an event gets dearer is halved', () => {
    const grown = after([behind(500, 10), behind(1_000, 20)]);
    expect(grown.size).toBe(2_000);
    expect(nextBatching(grown, behind(2_000, 80)).size).toBe(1_000);
  });

  test('a batch that is not full says nothing of the size, and nothing waits', () => {
    const waiting = { ...firstBatching, waitMs: 8 };
    expect(nextBatching(waiting, behind(20, 10))).toEqual({ ...waiting, waitMs: 0 });
  });
});

describe('at the tail', () => {
  test('while applying takes most of the time, the wait doubles up to its limit', () => {
    const busy = atTail(9, 10);
    expect([1, 2, 3].map((n) => after(Array(n).fill(busy)).waitMs)).toEqual([1, 2, 4]);
    expect(after(Array(20).fill(busy)).waitMs).toBe(longestWaitMs);
  });

  test('while it takes little, the wait is halved down to none, and the size down to the least', () => {
    const idle = atTail(1, 100);
    const waiting = { ...firstBatching, size: 5_000, waitMs: 20 };
    expect(nextBatching(waiting, idle)).toMatchObject({ size: 2_500, waitMs: 10 });
    expect(after(Array(20).fill(idle), waiting)).toMatchObject({ size: smallestSize, waitMs: 0 });
  });

  test('in between nothing changes', () => {
    const waiting = { ...firstBatching, waitMs: 4 };
    expect(nextBatching(waiting, atTail(3, 10))).toEqual(waiting);
  });
});
