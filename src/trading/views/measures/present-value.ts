// All roots of g(y) = sum(amount x e^(-y x time)) within bounds, for times within 0 and 1.
//
// The present value of cash flows in this form is a difference of two sums with positive terms, and
// each of these, and of their slopes, falls and is convex. So over an interval a sum lies above its
// tangents and under its chord, which bounds g and its slope from the values at both ends alone.
// Halving until one bound settles an interval leaves no root out, as a grid of guesses may.

export interface Term {
  readonly amount: number;
  /** As a fraction of the time from the first term to the last. */
  readonly time: number;
}

export interface Root {
  readonly at: number;
  /** Whether g goes from over zero to under zero here. */
  readonly falls: boolean;
}

/** The value and the slope of a sum of positive falling exponentials. */
interface Point {
  readonly value: number;
  readonly slope: number;
}

/** g = gains - losses; its slope is lossSlope - gainSlope (those two are positive sums as well). */
interface Sample {
  readonly y: number;
  readonly gains: Point;
  readonly losses: Point;
  readonly gainSlope: Point;
  readonly lossSlope: Point;
}

/** An interval this narrow that still isn't settled holds a double root, as far as doubles tell. */
const narrowest = 1e-9;

/** Flows that need more samples have a root of high order; ordinary ones need some dozens. */
const maxSamples = 5000;

function sample(terms: readonly Term[], y: number): Sample {
  let [gain, gainTime, gainTimeSquared] = [0, 0, 0];
  let [loss, lossTime, lossTimeSquared] = [0, 0, 0];
  for (const { amount, time } of terms) {
    const present = amount * Math.exp(-y * time);
    if (amount > 0) {
      gain += present;
      gainTime += present * time;
      gainTimeSquared += present * time * time;
    } else {
      loss -= present;
      lossTime -= present * time;
      lossTimeSquared -= present * time * time;
    }
  }
  return {
    y,
    gains: { value: gain, slope: -gainTime },
    losses: { value: loss, slope: -lossTime },
    gainSlope: { value: gainTime, slope: -gainTimeSquared },
    lossSlope: { value: lossTime, slope: -lossTimeSquared },
  };
}

const isOver = ({ gains, losses }: Sample): boolean => gains.value > losses.value;

/** Whether the first sum is over the second in all of an interval, for certain. */
function staysOver(first: [Point, Point], second: [Point, Point], width: number): boolean {
  const [a, b] = first;
  const [c, d] = second;
  if (a.value <= c.value || b.value <= d.value) return false;
  // The tangents of the first meet here; the chord of the second must pass under that point.
  const bend = b.slope - a.slope;
  if (bend <= 0) return true;
  const offset = Math.min(width, Math.max(0, (a.value - b.value + b.slope * width) / bend));
  const tangent = Math.max(a.value + a.slope * offset, b.value + b.slope * (offset - width));
  return tangent > c.value + ((d.value - c.value) * offset) / width;
}

function differ(first: [Point, Point], second: [Point, Point], width: number): boolean {
  return staysOver(first, second, width) || staysOver(second, first, width);
}

/**
 * The root between two bounds that have different signs, to the precision of doubles: Newton's
 * method, with a halving wherever it would leave the bounds or is slow. Undefined for equal signs.
 */
export function refineRoot(terms: readonly Term[], from: number, to: number): number | undefined {
  let low = from;
  let high = to;
  const lowIsOver = isOver(sample(terms, low));
  if (lowIsOver === isOver(sample(terms, high))) return undefined;
  let y = (low + high) / 2;
  let lastStep = high - low;
  for (let i = 0; i < 200; i += 1) {
    const { gains, losses } = sample(terms, y);
    const value = gains.value - losses.value;
    if (value === 0) return y;
    if (value > 0 === lowIsOver) low = y;
    else high = y;
    const newton = y - value / (gains.slope - losses.slope);
    const isGood = newton > low && newton < high && Math.abs(newton - y) < lastStep / 2;
    const next = isGood ? newton : (low + high) / 2;
    lastStep = Math.abs(next - y);
    if (lastStep <= Number.EPSILON * Math.max(Math.abs(y), 1e-6)) return next;
    y = next;
  }
  return y;
}

/** All roots within the bounds, ascending; unresolved where some cannot be told apart. */
export function rootsOf(
  terms: readonly Term[],
  from: number,
  to: number,
): readonly Root[] | 'unresolved' {
  const roots: Root[] = [];
  const open: [Sample, Sample][] = [[sample(terms, from), sample(terms, to)]];
  let samples = 2;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [a, b] = next;
    const width = b.y - a.y;
    if (differ([a.gains, b.gains], [a.losses, b.losses], width)) continue;
    if (differ([a.gainSlope, b.gainSlope], [a.lossSlope, b.lossSlope], width)) {
      const at = refineRoot(terms, a.y, b.y);
      if (at !== undefined) roots.push({ at, falls: isOver(a) });
      continue;
    }
    if (width < narrowest || samples > maxSamples) return 'unresolved';
    const middle = sample(terms, (a.y + b.y) / 2);
    samples += 1;
    // The left half goes on top, so that roots are found in ascending order.
    open.push([middle, b], [a, middle]);
  }
  return roots;
}
